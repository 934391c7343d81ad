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
 * A small object as text.
 * @throws ObjectNotFound; DataError when it is not UTF-8
 */
export async function getText(store: ObjectStore, key: string): Promise<string> {
  const bytes = await (await store.get(key)).bytes();
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError(`${key} is not text in UTF-8: it was not written by Nightjar or is damaged`, {
      cause,
    });
  }
}

/**
 * The value of a small JSON object, unchecked: give it to a schema.
 * @throws ObjectNotFound; DataError when it is not JSON
 */
export async function readJson(store: ObjectStore, key: string): Promise<unknown> {
  const text = await getText(store, key);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError(`${key} is not JSON: it was not written by Nightjar or is damaged`, { cause });
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
