import { formatDay, parseDay } from '../../data/index.ts';
import { type ModelFiles, readModelFiles } from '../../registry/index.ts';
import type { RunManifest, RunUsers, TaskGroup } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { FAMILIES } from '../families.ts';
import type { Answers } from '../family.ts';

/** Users that are scored for a comparison, about: shards are cut by a hash of the user, so the first of them are a sample. */
const ENOUGH_USERS = 20_000;

/** What a version says of some users of a run, in an order that is the same for all versions. */
export interface Sample {
  readonly users: readonly string[];
  /** Per task a number a user: a chance, an expected value or effect; NaN where the task does not ask the user. */
  readonly numbers: ReadonlyMap<string, Float64Array>;
  /** Per list task a list a user, as text; null where there is none. */
  readonly lists: ReadonlyMap<string, readonly (string | null)[]>;
}

export interface SampleContext {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly manifest: RunManifest;
  readonly group: TaskGroup;
  readonly users: () => Promise<RunUsers>;
}

/**
 * Scores a sample of a run's users by a version, as a night would.
 * @param day shop day as of which they are scored, at most the run's
 * @returns undefined where the group is not over users
 * @throws DataError when the model says no finite number of a user whom it asks
 */
export async function sampleScores(
  { store, runId, manifest, group, users }: SampleContext,
  version: string,
  day = parseDay(manifest.asOf!),
): Promise<Sample | undefined> {
  const family = FAMILIES[group.kind];
  if (family.over !== 'users') return undefined;
  const files: ModelFiles = await readModelFiles(store, group.name, version);
  const asOfDay = { ...manifest, asOf: formatDay(day), snapshot: null };
  const threads = Math.max(1, manifest.config.training.threads - 1);
  const scorer = await family.open(files, { store, runId, manifest: asOfDay, group, threads });
  const read = await users();
  const names: string[] = [];
  const parts: Partial<Answers>[] = [];
  try {
    for (const shard of read.shards) {
      const walk = await read.read(shard, day);
      for (const { user } of walk) names.push(user);
      parts.push(await scorer.score(walk, shard));
      if (names.length >= ENOUGH_USERS) break;
    }
  } finally {
    await scorer.close();
  }
  return { users: names, ...joined(parts) };
}

function joined(parts: readonly Partial<Answers>[]): Pick<Sample, 'numbers' | 'lists'> {
  const numbers = new Map<string, number[]>();
  const lists = new Map<string, (string | null)[]>();
  const add = (task: string, own: Iterable<number>) => {
    const all = numbers.get(task) ?? [];
    numbers.set(task, all);
    for (const one of own) all.push(one);
  };
  for (const { tasks = {}, values = {}, uplifts = {}, lists: own = {} } of parts) {
    for (const [task, { probability }] of Object.entries(tasks)) add(task, probability);
    for (const [task, { value }] of Object.entries(values)) add(task, value);
    for (const [task, { uplift }] of Object.entries(uplifts)) add(task, uplift);
    for (const [task, entries] of Object.entries(own))
      lists.set(task, [...(lists.get(task) ?? []), ...entries]);
  }
  return {
    numbers: new Map([...numbers].map(([task, all]) => [task, Float64Array.from(all)])),
    lists,
  };
}
