import { parseDay } from '../../data/index.ts';
import { readModelFiles } from '../../registry/index.ts';
import type { RunManifest, RunUsers, TaskGroup } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { FAMILIES } from '../families.ts';
import type { Answers, ShardScores } from '../family.ts';

/** Users that are scored for a comparison, about: shards are cut by a hash of the user, so the first of them are a sample. */
const ENOUGH_USERS = 20_000;

/** What a version says of some users of a run, in an order that is the same for all versions. */
export interface Sample {
  readonly users: readonly string[];
  /**
   * Per task a number a user (row, item): a chance, an expected value, effect or number of units; NaN where the task does not ask
   * the user. Of classes a chance a row and class.
   */
  readonly numbers: ReadonlyMap<string, Float64Array>;
  /** The classes of tasks whose numbers are chances of classes, in their order. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
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
 * Scores a sample of a run's users by a version, as a night would; of a labelled table its newest files, of items all.
 * @param asOf the day as of which they are scored, at most the run's
 * @throws DataError when the model says no finite number of a user whom it asks
 */
export async function sampleScores(
  context: SampleContext,
  version: string,
  asOf = context.manifest.asOf,
): Promise<Sample> {
  const { store, runId, manifest, group, users } = context;
  const family = FAMILIES[group.kind];
  const files = await readModelFiles(store, group.name, version);
  const threads = Math.max(1, manifest.config.training.threads - 1);
  if (family.over !== 'users') {
    const scores = await family.score(files, {
      store,
      runId,
      manifest: newestRows(manifest),
      group,
      threads,
    });
    return { users: scores.users, ...joined([scores]) };
  }
  const day = parseDay(asOf!);
  const asOfDay = asOf === manifest.asOf ? manifest : { ...manifest, asOf, snapshot: null };
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

/** A run of labelled tables that reads the newest of their files alone, as many as hold enough rows. */
function newestRows(manifest: RunManifest): RunManifest {
  const { labels } = manifest.inputs;
  let rows = 0;
  let from = labels.length;
  while (from > 0 && rows < ENOUGH_USERS) rows += labels[--from]!.rows ?? 0;
  return from === 0 ? manifest : { ...manifest, inputs: { ...manifest.inputs, labels: labels.slice(from) } };
}

type Parts = Partial<Answers> & Partial<Pick<ShardScores, 'classes' | 'numbers' | 'forecasts'>>;

function joined(parts: readonly Parts[]): Omit<Sample, 'users'> {
  const numbers = new Map<string, number[]>();
  const lists = new Map<string, (string | null)[]>();
  const add = (task: string, own: Iterable<number>) => {
    const all = numbers.get(task) ?? [];
    numbers.set(task, all);
    for (const one of own) all.push(one);
  };
  for (const part of parts) {
    const { tasks = {}, values = {}, uplifts = {}, lists: own = {} } = part;
    for (const [task, { probability }] of Object.entries(tasks)) add(task, probability);
    for (const [task, { value }] of Object.entries(values)) add(task, value);
    for (const [task, { uplift }] of Object.entries(uplifts)) add(task, uplift);
    for (const [task, { probabilities }] of Object.entries(part.classes ?? {})) add(task, probabilities);
    for (const [task, { number }] of Object.entries(part.numbers ?? {})) add(task, number);
    for (const [task, { units }] of Object.entries(part.forecasts ?? {})) add(task, units);
    for (const [task, entries] of Object.entries(own))
      lists.set(task, [...(lists.get(task) ?? []), ...entries]);
  }
  return {
    numbers: new Map([...numbers].map(([task, all]) => [task, Float64Array.from(all)])),
    classes: new Map(
      parts.flatMap((part) =>
        Object.entries(part.classes ?? {}).map(([task, { classes }]) => [task, classes] as const),
      ),
    ),
    lists,
  };
}
