import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  cleanDrop,
  findKeys,
  isIgnored,
  isOpaque,
  mentions,
  parseQuality,
  Refusal,
  recordDigest,
  sourceOf,
  withoutPeople,
} from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { holdsAny, NightjarError, type Pseudonyms } from '../data/index.ts';
import { buildDays, isCleanEvents } from '../features/index.ts';
import {
  etagOfFile,
  getText,
  type ObjectInfo,
  type ObjectStore,
  type StoredObject,
} from '../runtime/index.ts';
import type { Person } from './person.ts';

export interface DropsInput {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly pseudonyms: Pseudonyms;
  readonly person: Person;
  /** False: only look. */
  readonly write: boolean;
  /** Tell the records as text, too. */
  readonly texts?: true;
  readonly progress: (text: string) => void;
}

/** A drop that holds something of a person. */
export interface FoundDrop {
  readonly key: string;
  /** Records that are theirs alone, which are left out. */
  readonly records: number;
  /** Records that hold rows of others, too. */
  readonly shared: number;
  /** Their records as text, where they were asked for. */
  readonly texts?: readonly string[];
  /** Why only a person can tell: the file names the id, and no mapping says whose rows these are. */
  readonly unclear?: string;
}

/**
 * Goes through all drops, and writes those that hold records of a person without them. Each is cleaned before it is put, with the
 * time that it was dropped first, so that nothing else about it changes. Killed in between, the same call goes on. Drops are read as their mapping says where
 * their clean rows or their text name the person: one of rejected rows alone, whose mapping makes the id of another text, is missed.
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
  const opaque = named !== undefined && isOpaque(named.source);
  if (!known && !opaque && !(await mentions(await store.get(info.key), person.ids))) return undefined;
  const quality = keys && (await getText(store, keys.quality));
  const record = quality ? parseQuality(quality, keys.quality) : undefined;
  if (!named || !ofPeople || record?.status === 'refused') {
    // Nobody has looked whether it names the id.
    if (opaque) return undefined;
    const why = ofPeople || !named ? 'it was refused' : `it is of the table ${table}, which has no users`;
    return { key: info.key, records: 0, shared: 0, unclear: why };
  }
  const droppedAt = record ? new Date(record.droppedAt) : info.lastModified;
  const object = await store.get(info.key);
  try {
    return await withoutPeople(
      { config, named, pseudonyms, object, droppedAt, ids: person.ids },
      async ({ path, records, shared, texts }) => {
        if (path !== undefined && input.write) await replaceDrop(input, info, path, droppedAt);
        if (records + shared === 0) return undefined;
        return { key: info.key, records, shared, ...(input.texts && { texts: await texts() }) };
      },
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { key: info.key, records: 0, shared: 0, unclear: error.message };
  }
}

async function replaceDrop(
  { store, config, pseudonyms }: DropsInput,
  info: ObjectInfo,
  path: string,
  droppedAt: Date,
): Promise<void> {
  const digest = await etagOfFile(path);
  const size = (await stat(path)).size;
  const standsIn: ObjectInfo = { key: info.key, size, etag: digest, digest, lastModified: droppedAt };
  const result = await cleanDrop({
    store: withOne(store, standsIn, path),
    config,
    pseudonyms,
    key: info.key,
  });
  if (!('keys' in result))
    throw new NightjarError(`${info.key} is ${result.status}: run the same command again`);
  const { clean } = result.keys;
  if (clean && isCleanEvents(clean) && (await store.head(clean)))
    await buildDays({ store, config, cleanKey: clean });
  const put = await store.put(info.key, createReadStream(path), { ifMatch: info.etag });
  if (!put.written)
    throw new NightjarError(`${info.key} was dropped again meanwhile: run the same command again`);
  const written = await store.head(info.key);
  if (written) await recordDigest(store, written, digest);
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

/** Whether the bytes of an object hold one of some words; what does not stand holds none. */
export async function holds(store: ObjectStore, key: string, words: readonly string[]): Promise<boolean> {
  return (await store.head(key)) !== undefined && holdsAny((await store.get(key)).body, words);
}
