export { type TaskGroup, taskGroups } from './groups.ts';
export { type Copy, type DropState, listDrops, withoutCopies } from './inputs.ts';
export {
  buildManifest,
  dayInputs,
  type Missing,
  manifestKey,
  putManifest,
  type RunInput,
  type RunManifest,
  readManifest,
  runIdOf,
} from './manifest.ts';
export { isFinished, type PlannedRun, planRun, snapshotInfoKey } from './plan.ts';
export type { StageName, StageState } from './stages.ts';
export { submitRun } from './submit.ts';
export type { OtherRun, TickArgs, TickKind, TickResult, TickState } from './tick-types.ts';
