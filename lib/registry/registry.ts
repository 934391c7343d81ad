import { canonicalJson, DataError, NightjarError, sha256 } from '../data/index.ts';
import { type ObjectStore, readJson, readVersion } from '../runtime/index.ts';

/** Files of one model version by name, as bytes: `manifest.json` and what the model needs beside it, such as `model.onnx`. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>;

interface Champion {
  readonly version: string;
  /** The day as of which it was trained; null for a labelled table alone, which knows no time. */
  readonly asOf: string | null;
  /** Why this version serves: the run that trained it and what it was compared with. */
  readonly reason: string;
  /** The run that trained it. Champions of before do not say. */
  readonly runId?: string;
}

/** The version is the content: the same data, settings and seed give the same name. */
function versionOf(files: ModelFiles): string {
  const digest = Object.keys(files)
    .sort()
    .map((name) => `${name} ${sha256(files[name]!)}`)
    .join('\n');
  return sha256(digest).slice(0, 12);
}

/** Stores a model under `models/<group>/<version>/`, `manifest.json` last. @returns the version */
export async function putModel(store: ObjectStore, group: string, files: ModelFiles): Promise<string> {
  const version = versionOf(files);
  const names = Object.keys(files).sort(
    (a, b) => Number(a === 'manifest.json') - Number(b === 'manifest.json'),
  );
  for (const name of names) {
    await store.put(`models/${group}/${version}/${name}`, files[name]!, { ifAbsent: true });
  }
  return version;
}

/**
 * Reads one file of a model version.
 * @throws NightjarError when the version is not there, DataError when a file of it is damaged
 */
export async function readModelFile(
  store: ObjectStore,
  group: string,
  version: string,
  name: string,
): Promise<Uint8Array> {
  const file = (await readModelFiles(store, group, version))[name];
  return file ?? missing(group, version, name);
}

/**
 * Reads all files of a model version.
 * @throws NightjarError when the version is not there, DataError when a file of it is damaged
 */
export async function readModelFiles(
  store: ObjectStore,
  group: string,
  version: string,
): Promise<ModelFiles> {
  const prefix = `models/${group}/${version}/`;
  const files: Record<string, Uint8Array> = {};
  for await (const { key } of store.list(prefix)) {
    files[key.slice(prefix.length)] = await (await store.get(key)).bytes();
  }
  if (!files['manifest.json']) missing(group, version, 'manifest.json');
  // The version is the hash of the files: scores of a model that lost a byte would look as good as any.
  if (versionOf(files) === version) return files;
  throw new DataError(
    `${prefix} is damaged (its files are not those that version ${version} was made of): ${anew(group, version)}`,
  );
}

/** Whether all files of a version stand: the manifest is written last. */
export async function hasModel(store: ObjectStore, group: string, version: string): Promise<boolean> {
  return (await store.head(`models/${group}/${version}/manifest.json`)) !== undefined;
}

const anew = (group: string, version: string) =>
  `delete models/${group}/${version}/ and ${championKey(group)} and run the same command again, which trains it anew`;

function missing(group: string, version: string, name: string): never {
  throw new NightjarError(
    `model ${group} ${version} has no ${name} (models/${group}/${version}/${name}): ${anew(group, version)}`,
  );
}

/**
 * The version that serves a task group, or null.
 * @param asOf the day that is to be scored: a version that was trained as of a later day has seen that day's outcome
 * and may not serve it
 */
export async function championOf(store: ObjectStore, group: string, asOf?: string): Promise<string | null> {
  const champion = await readJson<Champion>(store, championKey(group));
  return champion && (asOf === undefined || !isLater(champion, asOf)) ? champion.version : null;
}

/** The run that trained the version which serves a task group, where there is one and it is known. */
export async function championRun(store: ObjectStore, group: string): Promise<string | undefined> {
  return (await readJson<Champion>(store, championKey(group)))?.runId;
}

const isLater = (champion: Champion, asOf: string) => champion.asOf !== null && champion.asOf > asOf;

/**
 * Lets a version serve, unless the champion was trained as of a later day, or another process has changed it since:
 * then the newer decision stands.
 * @param trained the day as of which the version was trained
 * @returns whether this version now serves
 */
export async function promote(
  store: ObjectStore,
  group: string,
  version: string,
  trained: Omit<Champion, 'version'>,
): Promise<boolean> {
  const key = championKey(group);
  const current = await readVersion<Champion>(store, key);
  if (current?.value.version === version) return true;
  if (current && trained.asOf !== null && isLater(current.value, trained.asOf)) return false;
  const body = canonicalJson({ version, ...trained } satisfies Champion);
  const result = await store.put(key, body, current ? { ifMatch: current.etag } : { ifAbsent: true });
  return result.written || (await championOf(store, group)) === version;
}

const championKey = (group: string) => `models/${group}/champion.json`;
