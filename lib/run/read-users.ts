import type { Config } from '../config/index.ts';
import { contentId, parseDay } from '../data/index.ts';
import {
  coverByPacks,
  type DayFile,
  type DayInput,
  dayFile,
  type EventVersions,
  type FoldPlan,
  type IdentityQuestion,
  type IdentityTally,
  type KeyedDrop,
  type MovedParts,
  type NewestBy,
  openIdentities,
  openVersions,
  type PackInput,
  planFold,
  type Question,
  type ReplacedLines,
  readShardDays,
  ShardedFiles,
  type ShardUsers,
  snapshotKey,
} from '../features/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { dayInputs, type RunManifest } from './manifest.ts';

/** Manifests are immutable, so what was found out about one is kept as long as it is. */
const opened = new WeakMap<ObjectStore, WeakMap<RunManifest, Promise<EventVersions | undefined>>>();

/**
 * Which versions of events count in a run: found out by the job that needs it first, read by the others.
 * @param shard where the job begins: jobs that start together share the work
 * @returns undefined where no source with a key has two drops
 */
function eventVersions(
  store: ObjectStore,
  manifest: RunManifest,
  shard = 0,
): Promise<EventVersions | undefined> {
  let known = opened.get(store);
  if (!known) opened.set(store, (known = new WeakMap()));
  let versions = known.get(manifest);
  if (!versions) {
    versions = openVersions(store, questionOf(manifest), shard / manifest.shards);
    known.set(manifest, versions);
    // Whoever asks again tries again.
    versions.catch(() => known.delete(manifest));
  }
  return versions;
}

/** By source: lines of days before a run's as-of day that do not count, because a later drop brought a newer version of their event. */
export async function replacedCounts(
  store: ObjectStore,
  manifest: RunManifest,
): Promise<Readonly<Record<string, number>>> {
  return (await eventVersions(store, manifest))?.replaced ?? {};
}

/**
 * What no longer counts of one shard's users. A run has one history: versions of days before its as-of day compete, also for
 * a reader of fewer days. Only who looks further, at label windows, lets later versions compete.
 * @param before the first shop day that is no longer read
 */
export async function replacedLines(
  store: ObjectStore,
  manifest: RunManifest,
  shard: number,
  before: number,
): Promise<ReplacedLines | undefined> {
  const versions = await eventVersions(store, manifest, shard);
  const { asOf, shards } = manifest;
  return versions?.shard(shard, shards, asOf === null ? before : Math.max(before, parseDay(asOf)));
}

/** The users of a run, to be read shard by shard, as often as is wanted. */
export interface RunUsers {
  /** Shards that are read, ascending: all of them, or a sample of the users. */
  readonly shards: readonly number[];
  /**
   * Reads the users of one shard with their days before `before`: every reader of day rows comes through here, so that none
   * of them counts an event twice.
   * @param plan from `planShard`: starts at the states of an earlier run; default: from the first day
   * @throws DataError when an input is no file of day rows, ObjectNotFound when it is gone
   */
  read(shard: number, before: number, plan?: FoldPlan): Promise<ShardUsers>;
}

/** Opens the users of a run where they lie in the store, with what links of identities bring together. */
export function openUsers(store: ObjectStore, manifest: RunManifest): RunUsers {
  const { shards, read } = openFiles(store, manifest);
  return {
    shards,
    async read(shard, before, plan) {
      return read(shard, before, plan, await movedRows(store, manifest, before, shard));
    },
  };
}

/** Opens the ids of a run, each by itself whatever links say: for sums over all of them, in which each event counts once. */
export function openIds(store: ObjectStore, manifest: RunManifest): RunUsers {
  const { shards, read } = openFiles(store, manifest);
  return { shards, read: (shard, before, plan) => read(shard, before, plan) };
}

function openFiles(store: ObjectStore, manifest: RunManifest) {
  const { config, shards } = manifest;
  const files = new ShardedFiles(store);
  let whole: Promise<DayFile[]> | undefined;
  // Who reads all days reads packs of them; who goes on from a snapshot needs the last few drops alone.
  const all = async () => {
    const { packs, loose } = await coverByPacks(store, files, 'days', packInputs(dayInputs(manifest)));
    return [...packs, ...loose.map(dayFile)];
  };
  return {
    shards: Array.from({ length: shards }, (_, shard) => shard),
    async read(shard: number, before: number, plan?: FoldPlan, moved?: MovedParts): Promise<ShardUsers> {
      const snapshot = plan?.snapshot;
      return readShardDays({
        store,
        files,
        config,
        inputs: snapshot ? packInputs(plan.inputs).map(dayFile) : await (whole ??= all()),
        shard,
        shards,
        before,
        replaced: await replacedLines(store, manifest, shard, before),
        moved,
        ...(plan ? { view: before } : {}),
        ...(snapshot ? { from: snapshot.day, snapshot: snapshotKey(config, snapshot.runId, shard) } : {}),
      });
    },
  };
}

/** By the first day that is no longer read, as for `opened`. */
const joined = new WeakMap<ObjectStore, WeakMap<RunManifest, Map<number, Promise<MovedParts>>>>();

/**
 * The rows that links bring from other ids, for readers of days before `before`; undefined where no drop tells of identities.
 * A run has one answer, by the links known before its as-of day: features of earlier days ask it for what was known by then. Only
 * who looks further, at label windows, knows later links.
 */
export function movedRows(
  store: ObjectStore,
  manifest: RunManifest,
  before: number,
  shard = 0,
): Promise<MovedParts | undefined> {
  const { inputs, asOf } = manifest;
  if (!inputs.identities?.length) return Promise.resolve(undefined);
  const bound = asOf === null ? before : Math.max(before, parseDay(asOf));
  let known = joined.get(store);
  if (!known) joined.set(store, (known = new WeakMap()));
  let answers = known.get(manifest);
  if (!answers) known.set(manifest, (answers = new Map()));
  let answer = answers.get(bound);
  if (!answer) {
    answer = openMoved(store, manifest, bound, shard);
    answers.set(bound, answer);
    // Whoever asks again tries again.
    answer.catch(() => answers.delete(bound));
  }
  return answer;
}

async function openMoved(
  store: ObjectStore,
  manifest: RunManifest,
  before: number,
  shard: number,
): Promise<MovedParts> {
  const { config, inputs, shards, snapshot } = manifest;
  const versions = snapshot && (await eventVersions(store, manifest, shard));
  const horizons = Object.values(config.tasks).map((task) =>
    'horizonDays' in task && task.horizonDays !== undefined ? task.horizonDays : 0,
  );
  const question: IdentityQuestion = {
    drops: inputs.identities!.map(({ clean, dropId, revision }) => ({ key: clean, dropId, revision })),
    timeZone: config.shop.timeZone,
    before,
    horizon: Math.max(0, ...horizons),
    shards,
    rows: contentId({ inputs: dayInputs(manifest), newestBy: newestBy(config) }),
    ...(snapshot
      ? {
          snapshot: {
            day: snapshot.day,
            asOf: snapshot.asOf,
            held: new Set(snapshot.held.map(({ dropId }) => dropId)),
            stale: Array.from({ length: shards }, (_, i) => i).filter((i) => versions?.isStale(i)),
          },
        }
      : {}),
  };
  const ids = openIds(store, manifest);
  return openIdentities(store, question, (one) => ids.read(one, before), shard / shards);
}

/** How many ids are another user's as of a run's as-of day; undefined where no drop tells of identities. */
export async function identityCounts(
  store: ObjectStore,
  manifest: RunManifest,
): Promise<IdentityTally | undefined> {
  const { asOf } = manifest;
  return asOf === null ? undefined : (await movedRows(store, manifest, parseDay(asOf)))?.tally;
}

/** Inputs with days; a drop without clean rows has none. */
export const packInputs = (inputs: readonly DayInput[]): PackInput[] =>
  inputs.flatMap(({ key, dropId, revision, minDay, maxDay }) =>
    minDay === undefined || maxDay === undefined ? [] : [{ key, dropId, revision, minDay, maxDay }],
  );

/** How a shard is folded up to the as-of day: on from the run's snapshot where that holds what counts, else from the first day. */
export async function planShard(store: ObjectStore, manifest: RunManifest, shard: number): Promise<FoldPlan> {
  const { config, shards, snapshot } = manifest;
  const serves = snapshot && !(await eventVersions(store, manifest, shard))?.isStale(shard);
  return planFold({
    config,
    asOf: parseDay(manifest.asOf!),
    shards,
    inputs: dayInputs(manifest),
    previous: serves ? [snapshot] : [],
  });
}

/** What decides whose version of an event counts in a run. */
export function questionOf({ config, inputs, asOf, snapshot, shards }: RunManifest): Question {
  const clean = inputs.events.flatMap(
    ({ drop, dropId, revision, source, droppedAt, lines = 0 }): KeyedDrop[] =>
      droppedAt === undefined || lines === 0 ? [] : [{ drop, dropId, revision, source, droppedAt, lines }],
  );
  const withdrawn = (inputs.withdrawn ?? []).map((drop): KeyedDrop => ({ ...drop, withdrawn: true }));
  const drops = [...clean, ...withdrawn];
  const ids = new Set(snapshot?.held.map(({ dropId }) => dropId));
  const held = new Set(drops.flatMap(({ dropId }, number) => (ids.has(dropId) ? [number] : [])));
  return {
    drops,
    newestBy: newestBy(config),
    asOf: asOf === null ? Number.POSITIVE_INFINITY : parseDay(asOf),
    ...(snapshot ? { snapshot: { day: snapshot.day, asOf: snapshot.asOf, held } } : {}),
    shards,
  };
}

function newestBy({ sources }: Config): Record<string, NewestBy> {
  return Object.fromEntries(
    Object.entries(sources).flatMap(([name, source]) =>
      source.newestBy ? [[name, source.newestBy.map((term) => (term === 'drop' ? term : 'version'))]] : [],
    ),
  );
}
