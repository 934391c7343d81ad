import { canonicalJson, formatDay, parseDay } from '../data/index.ts';
import { planFold, type SnapshotInfo, snapshotKey } from '../features/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import { dayInputs, type RunManifest, runIdOf } from './manifest.ts';
import { isFinished } from './stages.ts';

/** States of nights before these are not looked for: a fold from scratch is as right, and old states expire. */
const MONTHS_BACK = 13;
const SNAPSHOTS_READ = 40;

/** What is equal in two runs of the same night: all but what other runs have led to. */
const identity = (manifest: RunManifest) => canonicalJson({ ...manifest, champions: null, snapshot: null });

/**
 * The unfinished run that has the same inputs and settings, or undefined. Only runs of the same as-of day are read:
 * a run's name begins with it.
 */
export async function unfinishedRun(
  store: ObjectStore,
  base: RunManifest,
): Promise<{ runId: string; manifest: RunManifest } | undefined> {
  let unfinished: { runId: string; manifest: RunManifest } | undefined;
  for await (const { key } of store.list(`runs/${base.asOf ?? 'table'}-`)) {
    if (!key.endsWith('/manifest.json')) continue;
    const manifest = await readJson<RunManifest>(store, key);
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
  const asOf = parseDay(base.asOf!);
  let read = 0;
  for (const month of monthsBefore(base.asOf!)) {
    for (const key of await snapshotKeys(store, month, base.asOf!)) {
      if (read++ === SNAPSHOTS_READ) return null;
      const info = await readJson<SnapshotInfo>(store, key);
      if (!info) continue;
      const { config, shards } = base;
      const plan = planFold({ config, asOf, shards, inputs: dayInputs(base), previous: [info] });
      if (plan.snapshot && (await stands(store, base, plan.snapshot))) return plan.snapshot;
    }
  }
  return null;
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
async function stands(store: ObjectStore, { config }: RunManifest, info: SnapshotInfo): Promise<boolean> {
  const missing = new Set(Array.from({ length: info.shards }, (_, i) => snapshotKey(config, info.runId, i)));
  const prefix = snapshotKey(config, info.runId, 0).replace(/[^/]+$/, '');
  for await (const { key } of store.list(prefix)) missing.delete(key);
  return missing.size === 0;
}
