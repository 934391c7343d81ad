import type { Config } from '../config/index.ts';
import { parseDay } from '../data/index.ts';
import {
  type ByteCache,
  type EventVersions,
  type FoldPlan,
  type KeyedDrop,
  type NewestBy,
  openVersions,
  planFold,
  type Question,
  type ReplacedLines,
  readShardDays,
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

/**
 * Reads the users of one shard of a run with their days before `before`: every reader of day rows comes through here, so
 * that none of them counts an event twice.
 * @param plan from `planShard`: starts at the states of an earlier run; default: from the first day
 * @throws DataError when an input is no file of day rows, ObjectNotFound when it is gone
 */
export async function readUsers(
  store: ObjectStore,
  manifest: RunManifest,
  args: { shard: number; before: number; cache: ByteCache; plan?: FoldPlan },
): Promise<ShardUsers> {
  const { shard, before, cache, plan } = args;
  const { config, shards } = manifest;
  return readShardDays({
    store,
    config,
    // A drop without clean rows has no days.
    inputs: plan?.inputs ?? dayInputs(manifest).filter(({ minDay }) => minDay !== undefined),
    shard,
    shards,
    before,
    cache,
    replaced: await replacedLines(store, manifest, shard, before),
    ...(plan?.snapshot
      ? { from: plan.snapshot.day, snapshot: snapshotKey(config, plan.snapshot.runId, shard) }
      : {}),
  });
}

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

function questionOf({ config, inputs, asOf, snapshot, shards }: RunManifest): Question {
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
