import { canonicalJson, NightjarError, sha256 } from '../data/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';

/** Files of one model version by name, as bytes: `model.onnx`, `manifest.json` and what the model needs beside them. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>;

interface Champion {
  readonly version: string;
  /** Why this version serves: the run that trained it and what it was compared with. */
  readonly reason: string;
}

/** The version is the content: the same data, settings and seed give the same name. */
export function versionOf(files: ModelFiles): string {
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

/** Reads one file of a model version. @throws NightjarError when the version is not there */
export async function readModelFile(
  store: ObjectStore,
  group: string,
  version: string,
  name: string,
): Promise<Uint8Array> {
  const key = `models/${group}/${version}/${name}`;
  if (!(await store.head(key))) {
    throw new NightjarError(
      `model ${group} ${version} has no ${name} (${key}): train it again with "nightjar finetune"`,
    );
  }
  return (await store.get(key)).bytes();
}

/** The version that serves a task group, or null. */
export async function championOf(store: ObjectStore, group: string): Promise<string | null> {
  return (await readJson<Champion>(store, championKey(group)))?.version ?? null;
}

/**
 * Lets a version serve, unless another process has changed the champion since: then the newer decision stands.
 * @returns whether this version now serves
 */
export async function promote(
  store: ObjectStore,
  group: string,
  version: string,
  reason: string,
): Promise<boolean> {
  const current = await store.head(championKey(group));
  const body = canonicalJson({ version, reason } satisfies Champion);
  const result = await store.put(
    championKey(group),
    body,
    current ? { ifMatch: current.etag } : { ifAbsent: true },
  );
  return result.written || (await championOf(store, group)) === version;
}

const championKey = (group: string) => `models/${group}/champion.json`;
