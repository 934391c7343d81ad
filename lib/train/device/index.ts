export { type Driver, settleDriver } from './driver.ts';
export type { Precision } from './loop-program.ts';
export { firstScale, LoopRunner, type LoopStep, type LossScale } from './loop-runner.ts';
