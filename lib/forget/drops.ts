import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  cleanDrop,
  findKeys,
  isIgnored,
  mentions,
  parseQuality,
  Refusal,
  recordDigest,
  sourceOf,
  withoutPeople,
} from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { digestOf, type Pseudonyms } from '../data/index.ts';
import { buildDays, isCleanEvents } from '../features/index.ts';
import { getText, type ObjectInfo, type ObjectStore, type StoredObject } from '../runtime/index.ts';
import type { Person } from './person.ts';

export interface DropsInput {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly pseudonyms: Pseudonyms;
  readonly person: Person;
  /** False: only look. */
  readonly write: boolean;
  readonly progress: (text: string) => void;
}

/** A drop that holds something of a person. */
export interface FoundDrop {
  readonly key: string;
  /** Records that are theirs alone, which are left out. */
  readonly records: number;
  /** Records that hold rows of others, too. */
  readonly shared: number;
  /** Their rows as text, where they were asked for. */
  readonly rows: readonly string[];
  /** Why only a person can tell: the file names the id, and no mapping says whose rows these are. */
  readonly unclear?: string;
}

/**
 * Goes through all drops, and writes those that hold records of a person without them. Each is cleaned before it is put, with the
 * time that it was dropped first, so that nothing else about it changes; then what was made of its former bytes is deleted. Killed
 * in between, the same call goes on.
 */
export async function forgetDrops(input: DropsInput): Promise<FoundDrop[]> {
  const { store, progress } = input;
  const infos: ObjectInfo[] = [];
  for await (const info of store.list('drop/')) if (!isIgnored(info.key)) infos.push(info);
  const found: FoundDrop[] = [];
  for (const [i, info] of infos.entries()) {
    progress(`${i} of ${infos.length} drops`);
    const drop = await forgetDrop(input, info);
    if (drop) found.push(drop);
  }
  return found;
}

async function forgetDrop(input: DropsInput, info: ObjectInfo): Promise<FoundDrop | undefined> {
  const { store, config, pseudonyms, person } = input;
  const named = sourceOf(config, info.key);
  const keys = await findKeys(store, config, info);
  const { table } = named?.source ?? {};
  const ofPeople = table !== undefined && table !== 'items' && table !== 'labels';
  const known = keys?.clean !== undefined && (await holds(store, keys.clean, person.pseudonyms));
  if (!known && !(await mentions(await store.get(info.key), named?.source, person.ids))) return undefined;
  const quality = keys && (await getText(store, keys.quality));
  const record = quality ? parseQuality(quality, keys.quality) : undefined;
  if (!named || !ofPeople || record?.status === 'refused') {
    // Of a binary file nobody has looked whether it names the id.
    if (named?.source.format === 'parquet') return undefined;
    const why = ofPeople || !named ? 'it was refused' : `it is of the table ${table}, which has no users`;
    return { key: info.key, records: 0, shared: 0, rows: [], unclear: why };
  }
  const droppedAt = record ? new Date(record.droppedAt) : info.lastModified;
  const object = await store.get(info.key);
  try {
    return await withoutPeople(
      { config, named, pseudonyms, object, droppedAt, ids: person.ids },
      async ({ path, ...rest }) => {
        if (path !== undefined && input.write) await replaceDrop(input, info, path, droppedAt);
        return rest.records + rest.shared > 0 ? { key: info.key, ...rest } : undefined;
      },
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { key: info.key, records: 0, shared: 0, rows: [], unclear: error.message };
  }
}

async function replaceDrop(
  { store, config, pseudonyms }: DropsInput,
  info: ObjectInfo,
  path: string,
  droppedAt: Date,
): Promise<void> {
  const digest = digestOf(await sha256Of(path));
  const size = (await stat(path)).size;
  const standsIn: ObjectInfo = { key: info.key, size, etag: digest, digest, lastModified: droppedAt };
  const result = await cleanDrop({
    store: withOne(store, standsIn, path),
    config,
    pseudonyms,
    key: info.key,
  });
  if (!('keys' in result)) throw new Error(`the drop ${info.key} is ${result.status}`);
  const { clean } = result.keys;
  if (clean && isCleanEvents(clean) && (await store.head(clean)))
    await buildDays({ store, config, cleanKey: clean });
  const put = await store.put(info.key, createReadStream(path), { ifMatch: info.etag });
  if (!put.written) throw new Error(`${info.key} was dropped again meanwhile: run the same command again`);
  const written = await store.head(info.key);
  if (written) await recordDigest(store, written, digest);
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** A store in which one key has the bytes of a file. */
function withOne(store: ObjectStore, info: ObjectInfo, path: string): ObjectStore {
  const object: StoredObject = {
    info,
    body: createReadStream(path),
    bytes: async () => {
      throw new Error('a drop is read in pieces');
    },
  };
  return {
    get: (key, options) => (key === info.key ? Promise.resolve(object) : store.get(key, options)),
    head: (key) => (key === info.key ? Promise.resolve(info) : store.head(key)),
    put: (key, body, options) => store.put(key, body, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key) => store.delete(key),
  };
}

/** Whether the bytes of an object hold one of some words. */
export async function holds(store: ObjectStore, key: string, words: readonly string[]): Promise<boolean> {
  if (!(await store.head(key))) return false;
  const { body } = await store.get(key);
  const overlap = Math.max(...words.map((word) => Buffer.byteLength(word)));
  let tail: Uint8Array = new Uint8Array();
  for await (const chunk of body) {
    const text = Buffer.concat([tail, chunk]);
    if (words.some((word) => text.includes(word))) return true;
    tail = text.subarray(Math.max(0, text.length - overlap));
  }
  return false;
}
