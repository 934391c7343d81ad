export { type ArmLift, type Lift, measureLift } from './measure.ts';
