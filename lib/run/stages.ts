import { hasModel } from '../registry/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import { overUsers, type TaskGroup } from './groups.ts';
import { heldBack } from './held.ts';
import {
  currentKey,
  evaluationKey,
  scoresKey,
  scoresPrefix,
  successKey,
  tableScoresKey,
  trainedKey,
} from './keys.ts';
import type { RunHead } from './manifest.ts';

export type StageName = 'finetune' | 'score' | 'export';

/**
 * `done`: its objects stand. The others are told by its jobs; `waiting`: the last one found something away, and the next is
 * not due yet; `failed`: as often as it may.
 */
export type StageState = 'waiting' | 'submitted' | 'running' | 'done' | 'failed';

/** The jobs of a run in their order. Score waits for training only where a task group has no champion. */
export function stagesOf(manifest: RunHead): StageName[] {
  if (manifest.purpose === 'training') return ['finetune'];
  const trains = manifest.groups.some(({ name }) => !manifest.champions[name]);
  const stages: StageName[] = trains ? ['finetune', 'score'] : ['score'];
  // A backtest is compared where it was started; nobody else reads its scores.
  return manifest.purpose === 'backtest' ? stages : [...stages, 'export'];
}

/** Are all groups scored whole, as labelled tables and items are? They have no users and so no shards. */
export const onlyTables = ({ groups }: Pick<RunHead, 'groups'>): boolean => !groups.some(overUsers);

/**
 * Is a stage done? Its objects alone say so, whatever became of its jobs.
 * @param mustBeCurrent an export counts only while `current.json` names it; else it is enough that the pointer was
 * moved since, to this export or to a later one of the same day
 */
export async function isDone(
  store: ObjectStore,
  runId: string,
  manifest: RunHead,
  stage: StageName,
  mustBeCurrent = false,
): Promise<boolean> {
  if (stage === 'finetune') return isTrained(store, runId);
  if (stage === 'score') return isScored(store, runId, manifest);
  const success = await store.head(successKey(manifest.asOf, runId));
  if (!success) return false;
  // Held back it is finished, too: what is missing is a person.
  if (await heldBack(store, manifest.asOf, runId)) return true;
  const key = currentKey(manifest.asOf);
  if (mustBeCurrent) return (await readJson<{ runId: string }>(store, key))?.runId === runId;
  const pointer = await store.head(key);
  return pointer !== undefined && pointer.lastModified >= success.lastModified;
}

/** A version that was deleted since has to be trained again. */
async function isTrained(store: ObjectStore, runId: string): Promise<boolean> {
  const versions = await readJson<Record<string, string>>(store, trainedKey(runId));
  if (!versions) return false;
  for (const [group, version] of Object.entries(versions)) {
    if (!(await hasModel(store, group, version))) return false;
  }
  return true;
}

/** Objects with the scores of some groups: one for each shard of users, one for each group that is scored whole. */
export function scoreKeys(runId: string, groups: readonly TaskGroup[], shards: number): string[] {
  const ofUsers = groups.some(overUsers)
    ? Array.from({ length: shards }, (_, shard) => scoresKey(runId, shard))
    : [];
  const tables = groups.filter((group) => !overUsers(group));
  return [...ofUsers, ...tables.map(({ tasks }) => tableScoresKey(runId, tasks[0]!))];
}

/** A group whose tasks could not be trained yet has no model, and nothing is scored by it. */
async function isScored(store: ObjectStore, runId: string, manifest: RunHead): Promise<boolean> {
  const trained = await readJson<Readonly<Record<string, string>>>(store, trainedKey(runId));
  if (!trained && manifest.groups.some(({ name }) => !manifest.champions[name])) return false;
  const groups = manifest.groups.filter(({ name }) => manifest.champions[name] ?? trained?.[name]);
  const missing = new Set(scoreKeys(runId, groups, manifest.shards));
  for await (const { key } of store.list(scoresPrefix(runId))) missing.delete(key);
  return missing.size === 0;
}

/** A night is finished once its export is, a training once its models stand, a backtest once it is evaluated. */
export async function isFinished(store: ObjectStore, runId: string, manifest: RunHead): Promise<boolean> {
  if (manifest.purpose === 'backtest') return (await store.head(evaluationKey(runId))) !== undefined;
  return isDone(store, runId, manifest, manifest.purpose === 'training' ? 'finetune' : 'export');
}
