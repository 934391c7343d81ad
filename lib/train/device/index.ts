export { type Driver, settleDriver } from './driver.ts';
export { LoopRunner, type LoopStep } from './loop-runner.ts';
