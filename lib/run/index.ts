export { type AdvanceArgs, advanceRun, type RunProgress, SUBMITS } from './advance.ts';
export { type Claim, claimKey, readClaim } from './claims.ts';
export { tick } from './dispatch.ts';
export { overUsers, type TaskGroup, taskGroups } from './groups.ts';
export { type Copy, type DropState, listDrops, withoutCopies } from './inputs.ts';
export {
  currentKey,
  manifestKey,
  scoresKey,
  snapshotInfoKey,
  successKey,
  tableScoresKey,
  trainedKey,
} from './keys.ts';
export { checkAsOf, type LastDays, lastDays } from './last-day.ts';
export {
  buildManifest,
  dayInputs,
  type Missing,
  putManifest,
  type RunInput,
  type RunManifest,
  readManifest,
  runIdOf,
} from './manifest.ts';
export { mapParallel } from './parallel.ts';
export { type PlannedRun, planRun } from './plan.ts';
export { planShard, readUsers, replacedCounts, replacedLines } from './read-users.ts';
export { isFinished, onlyTables, type StageName, type StageState, scoreKeys, stagesOf } from './stages.ts';
export { submitRun } from './submit.ts';
export type { OtherRun, TickArgs, TickKind, TickResult, TickState } from './tick-types.ts';
