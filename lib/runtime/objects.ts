import type { ByteSource } from '../data/index.ts';
import { canonicalJson, DataError } from '../data/index.ts';
import { ObjectNotFound } from './errors.ts';
import type { ObjectStore, PutOptions, PutResult } from './types.ts';

/**
 * An object as bytes that are read in ranges, all from the version that stood there when this was called.
 * @throws ObjectNotFound; reads throw PreconditionFailed when the object has been replaced since
 */
export async function byteSource(store: ObjectStore, key: string): Promise<ByteSource> {
  const info = await store.head(key);
  if (!info) throw new ObjectNotFound(key);
  return {
    name: key,
    size: info.size,
    async read(start, end) {
      if (start === end) return new Uint8Array(0);
      const object = await store.get(key, { range: { start, end }, ifMatch: info.etag });
      return object.bytes();
    },
  };
}

/**
 * A small object as text; undefined where none stands.
 * @throws DataError when it is not UTF-8
 */
export async function getText(store: ObjectStore, key: string): Promise<string | undefined> {
  const bytes = await getBytes(store, key);
  if (!bytes) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError(`${key} is not text in UTF-8: it was not written by Nightjar or is damaged`, {
      cause,
    });
  }
}

/**
 * The value of a small JSON object that Nightjar itself wrote; undefined where none stands. The type is a promise of
 * the caller, not a check: give what others wrote to a schema.
 * @throws DataError when it is not JSON
 */
export async function readJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  const text = await getText(store, key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${key} is not JSON: it was not written by Nightjar or is damaged`, { cause });
  }
}

async function getBytes(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  try {
    return await (await store.get(key)).bytes();
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

/** Writes a value as canonical JSON with a line end, so that equal values are equal bytes. */
export function putJson(
  store: ObjectStore,
  key: string,
  value: unknown,
  options?: PutOptions,
): Promise<PutResult> {
  return store.put(key, `${canonicalJson(value)}\n`, options);
}
