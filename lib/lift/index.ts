export { FEWEST_USERS } from './groups.ts';
export { type ArmLift, type Lift, measureLift } from './measure.ts';
