export { type TaskGroup, taskGroups } from './groups.ts';
export { type Copy, type DropState, listDrops, withoutCopies } from './inputs.ts';
export {
  buildManifest,
  dayInputs,
  manifestKey,
  putManifest,
  type RunInput,
  type RunManifest,
  readManifest,
  runIdOf,
} from './manifest.ts';
export { isFinished, type PlannedRun, planRun, snapshotInfoKey } from './plan.ts';
export { type StageName, submitRun } from './submit.ts';
