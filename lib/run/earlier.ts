import { canonicalJson, formatDay, parseDay } from '../data/index.ts';
import { planFold, type SnapshotInfo, snapshotKey } from '../features/index.ts';
import { ObjectNotFound, type ObjectStore, readJson } from '../runtime/index.ts';
import { difference, type Loaded } from './drop-index/index.ts';
import { manifestKey } from './keys.ts';
import { buildManifest, dayInputs, type Referred, type RunHead, type RunManifest } from './manifest.ts';
import { isFinished } from './stages.ts';
import {
  heldBy,
  identityOf,
  type ReferringManifest,
  runIdOf,
  type StoredManifest,
  type StoredSnapshot,
  wholeSnapshot,
} from './stored-manifest.ts';

/** No drops of an index. */
const NOTHING: Referred = {
  known: [],
  rest: [],
  inputs: 0,
  mappings: {},
  digests: { inputs: '', others: '' },
};

/** States of nights before these are not looked for: a fold from scratch is as right, and old states expire. */
const MONTHS_BACK = 13;
const SNAPSHOTS_READ = 40;

/** What is equal in two runs of the same night: all but what other runs have led to. */
const identity = (manifest: StoredManifest) =>
  canonicalJson(identityOf({ ...manifest, champions: {}, snapshot: null }));

/**
 * The unfinished run that has the same inputs and settings, or undefined. Only runs of the same as-of day are read:
 * a run's name begins with it.
 */
export async function unfinishedRun<T extends StoredManifest>(
  store: ObjectStore,
  base: T,
): Promise<{ runId: string; manifest: T } | undefined> {
  let unfinished: { runId: string; manifest: T } | undefined;
  for await (const { key } of store.list(`runs/${base.asOf ?? 'table'}-`)) {
    if (!key.endsWith('/manifest.json')) continue;
    // Of equal identity is only what has the form of `base`.
    const manifest = await readJson<T>(store, key);
    if (!manifest || identity(manifest) !== identity(base)) continue;
    // Whose states were deleted since cannot go on: the next one folds from others.
    if (manifest.snapshot && !(await stands(store, base, manifest.snapshot))) continue;
    const runId = runIdOf(manifest);
    // A new champion for one that the run trains itself is no reason to start anew; one that it was given is.
    const same = Object.entries(base.champions).every(([name, version]) => {
      const pinned = manifest.champions[name] ?? null;
      return pinned === null || pinned === version;
    });
    if (same && !(await isFinished(store, runId, manifest))) unfinished = { runId, manifest };
  }
  return unfinished;
}

/**
 * The latest snapshot that a run may fold on from, or null. Nights are looked through backwards, a month's listing at
 * a time, and mostly the first one serves.
 */
export async function latestSnapshot(store: ObjectStore, base: RunManifest): Promise<SnapshotInfo | null> {
  const inputs = dayInputs(base);
  return firstThatServes(store, base, async (info) => {
    const { config, shards } = base;
    const previous = await wholeSnapshot(store, info);
    return planFold({ config, asOf: parseDay(base.asOf!), shards, inputs, previous: [previous] }).snapshot;
  });
}

/**
 * `latestSnapshot` for a manifest by reference. What two manifests name by the same segments alone they read alike, so only
 * the rest is compared.
 * @param loaded the index that the manifest was made from
 */
export async function snapshotByIndex(
  store: ObjectStore,
  loaded: Loaded,
  base: ReferringManifest,
): Promise<Omit<SnapshotInfo, 'held'> | null> {
  const { config, shards, purpose, asOf, groups, champions } = base;
  const inputsOf = (drops: Parameters<typeof buildManifest>[0]['drops']) =>
    dayInputs(buildManifest({ purpose, config, asOf, groups, champions, drops, snapshot: null }));
  return firstThatServes(store, base, async (info) => {
    const before = await readJson<StoredManifest>(store, manifestKey(info.runId));
    if (!before) return undefined;
    const differs = await difference(loaded, before.index ?? NOTHING, base.index);
    if (!differs) return undefined;
    const held = before.index ? heldBy(inputsOf(differs.before)) : heldBy(dayInputs(before));
    const inputs = inputsOf(differs.now);
    const plan = planFold({ config, asOf: parseDay(asOf!), shards, inputs, previous: [{ ...info, held }] });
    if (!plan.snapshot) return undefined;
    const { held: _, ...found } = plan.snapshot;
    return found;
  });
}

async function firstThatServes<T extends Omit<SnapshotInfo, 'held'>>(
  store: ObjectStore,
  base: RunHead,
  serves: (info: StoredSnapshot) => Promise<T | undefined>,
): Promise<T | null> {
  let read = 0;
  for (const month of monthsBefore(base.asOf!)) {
    for (const key of await snapshotKeys(store, month, base.asOf!)) {
      if (read++ === SNAPSHOTS_READ) return null;
      const info = await readJson<StoredSnapshot>(store, key);
      if (!info) continue;
      const found = await unlessLapsed(serves(info));
      if (found && (await stands(store, base, found))) return found;
    }
  }
  return null;
}

/** What a run of long ago was made from may be gone. */
async function unlessLapsed<T>(found: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

/** '2025-03', '2025-02', … */
function monthsBefore(asOf: string): string[] {
  let month = asOf.slice(0, 7);
  return Array.from({ length: MONTHS_BACK }, () => {
    const given = month;
    month = formatDay(parseDay(`${month}-01`) - 1).slice(0, 7);
    return given;
  });
}

/** The `snapshot.json` of a month's runs up to a day, those of the last day first, of one day in the order of their names. */
async function snapshotKeys(store: ObjectStore, month: string, asOf: string): Promise<string[]> {
  const found: { day: string; key: string }[] = [];
  for await (const { key } of store.list(`runs/${month}-`)) {
    const day = key.slice('runs/'.length, 'runs/'.length + asOf.length);
    if (key.endsWith('/snapshot.json') && day <= asOf) found.push({ day, key });
  }
  return found
    .sort((a, b) => (a.day !== b.day ? (a.day < b.day ? 1 : -1) : a.key < b.key ? -1 : 1))
    .map(({ key }) => key);
}

/** Do the states of all shards still stand? They expire before the record of their run does. */
async function stands(
  store: ObjectStore,
  { config }: RunHead,
  info: Omit<SnapshotInfo, 'held'>,
): Promise<boolean> {
  const missing = new Set(Array.from({ length: info.shards }, (_, i) => snapshotKey(config, info.runId, i)));
  const prefix = snapshotKey(config, info.runId, 0).replace(/[^/]+$/, '');
  for await (const { key } of store.list(prefix)) missing.delete(key);
  return missing.size === 0;
}
