import { canonicalJson, contentId, DataError, NightjarError } from '../data/index.ts';
import { type DayInput, type SnapshotInfo, snapshotInfo } from '../features/index.ts';
import { ObjectNotFound, type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import { referredDrops } from './drop-index/index.ts';
import { manifestKey, snapshotInfoKey } from './keys.ts';
import { buildManifest, dayInputs, type Referred, type RunHead, type RunManifest } from './manifest.ts';

/** What a run left for later ones. Without `held` it holds the inputs of its own manifest, which says them by reference. */
export type StoredSnapshot = Omit<SnapshotInfo, 'held'> & Partial<Pick<SnapshotInfo, 'held'>>;

/** A manifest that names segments of an index of drops instead of its inputs. */
export type ReferringManifest = RunHead & {
  readonly snapshot: Omit<SnapshotInfo, 'held'> | null;
  readonly index: Referred;
};

/** What `runs/<runId>/manifest.json` is. */
export type StoredManifest = (RunManifest & { readonly index?: never }) | ReferringManifest;

/**
 * The run's name: equal inputs, settings and champions are the same run, however the index of its drops is cut into
 * segments.
 */
export function runIdOf(manifest: StoredManifest): string {
  return `${manifest.asOf ?? 'table'}-${contentId(identityOf(manifest))}`;
}

/** What a manifest says, whatever its segments are called. */
export function identityOf(manifest: StoredManifest): unknown {
  const { index, ...said } = manifest;
  return index ? { ...said, index: { digests: index.digests, before: index.before, why: index.why } } : said;
}

/** Writes the manifest unless the same run has one already. @returns the run's id */
export async function putManifest(store: ObjectStore, manifest: StoredManifest): Promise<string> {
  const runId = runIdOf(manifest);
  await store.put(manifestKey(runId), canonicalJson(manifest), { ifAbsent: true });
  return runId;
}

/**
 * All that a run reads.
 * @throws NightjarError when there is no such run, DataError when its manifest is of another format, ObjectNotFound where
 * the index that it was made from has lapsed
 */
export async function readManifest(store: ObjectStore, runId: string): Promise<RunManifest> {
  const stored = await readStored(store, runId);
  return stored.index ? expanded(store, stored) : stored;
}

/**
 * What a run is, without its inputs: small, however many they are.
 * @throws NightjarError when there is no such run, DataError when its manifest is of another format
 */
export async function readRunHead(store: ObjectStore, runId: string): Promise<RunHead> {
  const { snapshot, index, ...head } = await readStored(store, runId);
  return head;
}

/** @throws as readRunHead */
export async function readStored(store: ObjectStore, runId: string): Promise<StoredManifest> {
  const manifest = await readJson<StoredManifest>(store, manifestKey(runId));
  if (!manifest) throw new NightjarError(`there is no run ${runId}: "nightjar status" lists the runs`);
  if (manifest.format !== 1) {
    throw new DataError(
      `run ${runId} was written by another version (format ${manifest.format}): start a new run`,
    );
  }
  return manifest;
}

/** The manifest of a run of before; undefined where it is not there any more, or what it was made from. */
export async function readEarlier(store: ObjectStore, runId: string): Promise<RunManifest | undefined> {
  const stored = await readJson<StoredManifest>(store, manifestKey(runId));
  if (!stored?.index) return stored;
  try {
    return await expanded(store, stored);
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

async function expanded(store: ObjectStore, stored: ReferringManifest): Promise<RunManifest> {
  const { snapshot } = stored;
  const manifest = await withInputs(store, stored);
  return snapshot ? { ...manifest, snapshot: await wholeSnapshot(store, snapshot) } : manifest;
}

/** The manifest but for the snapshot that its run begins with. */
async function withInputs(store: ObjectStore, stored: ReferringManifest): Promise<RunManifest> {
  const { config, index } = stored;
  const drops = await referredDrops(store, config, index);
  const { partial: _, ...manifest } = buildManifest({ ...stored, drops, snapshot: null });
  const unmet = stored.missing.filter(({ kind }) => kind === 'expected' || kind === 'settings');
  return {
    ...manifest,
    missing: [...manifest.missing, ...unmet],
    ...(stored.partial === undefined ? {} : { partial: stored.partial }),
    index,
  };
}

/** A snapshot with what it holds. @throws ObjectNotFound where that is not known any more */
export async function wholeSnapshot(store: ObjectStore, info: StoredSnapshot): Promise<SnapshotInfo> {
  const { held } = info;
  return held ? { ...info, held } : { ...info, held: heldBy(await inputsOf(store, info.runId)) };
}

export const heldBy = (inputs: readonly DayInput[]): SnapshotInfo['held'] =>
  inputs.map(({ dropId, revision, droppedAt }) => ({
    dropId,
    revision,
    ...(droppedAt === undefined ? {} : { droppedAt }),
  }));

async function inputsOf(store: ObjectStore, runId: string): Promise<DayInput[]> {
  const stored = await readStored(store, runId);
  return dayInputs(stored.index ? await withInputs(store, stored) : stored);
}

/** Tells later runs that they may fold on from the states of this one. */
export async function tellSnapshot(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  asOf: number,
): Promise<void> {
  const { config, shards, index } = manifest;
  const { held, ...info } = snapshotInfo({
    config,
    runId,
    asOf,
    shards,
    inputs: index ? [] : dayInputs(manifest),
  });
  await putJson(store, snapshotInfoKey(runId), index ? info : { ...info, held }, { ifAbsent: true });
}
