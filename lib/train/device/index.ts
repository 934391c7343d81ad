export { type Driver, settleDriver } from './driver.ts';
export type { Precision } from './loop-program.ts';
export { LoopRunner, type LoopStep } from './loop-runner.ts';
