export { type Driver, settleDriver } from './driver.ts';
export type { Precision } from './loop-program.ts';
export type { LoopRunner, LoopStep } from './loop-runner.ts';
export { firstScale, type LossScale } from './loss-scale.ts';
