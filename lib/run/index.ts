export { advanceRun, type RunProgress } from './advance.ts';
export { claimKey, readClaim } from './claims.ts';
export { tick } from './dispatch.ts';
export { whyNotChampion } from './gate.ts';
export {
  type Beside,
  gatherShards,
  sampledUsers,
  withGatheredUsers,
} from './gather-users.ts';
export { isDated, overUsers, type TaskGroup, tableName, taskGroups } from './groups.ts';
export { type HeldBack, heldBack } from './held.ts';
export { type DropState, listDrops } from './inputs.ts';
export {
  currentKey,
  heldKey,
  profilesKey,
  releasedKey,
  scoresKey,
  successKey,
  tableScoresKey,
  trainedKey,
} from './keys.ts';
export { checkAsOf, type LastDays, lastDays } from './last-day.ts';
export { patienceWith } from './look-after.ts';
export { buildManifest, dayInputs, type Missing, type RunInput, type RunManifest } from './manifest.ts';
export { mapParallel } from './parallel.ts';
export { type PlannedRun, planRun } from './plan.ts';
export {
  identityCounts,
  openIds,
  openUsers,
  planShard,
  type RunUsers,
  replacedCounts,
  replacedLines,
} from './read-users.ts';
export { traceOfRun } from './run-trace.ts';
export type { ShardRange } from './shard-range.ts';
export { isFinished, onlyTables, type StageName, scoreKeys, stagesOf } from './stages.ts';
export {
  putManifest,
  readManifest,
  readRunHead,
  runIdOf,
  type StoredManifest,
  tellSnapshot,
} from './stored-manifest.ts';
export { submitRun } from './submit.ts';
export { superseded } from './superseded.ts';
export type { TickArgs, TickKind, TickResult } from './tick-types.ts';
export { VERSIONS } from './versions.ts';
