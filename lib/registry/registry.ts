import { DataError, NightjarError, sha256 } from '../data/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** Files of one model version by name, as bytes: `manifest.json` and what the model needs beside it, such as `model.onnx`. */
export type ModelFiles = Readonly<Record<string, Uint8Array>>;

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
  `delete models/${group}/${version}/ and models/${group}/champion.json and run the same command again, which trains it anew`;

function missing(group: string, version: string, name: string): never {
  throw new NightjarError(
    `model ${group} ${version} has no ${name} (models/${group}/${version}/${name}): ${anew(group, version)}`,
  );
}
