import type { ByteSource } from '../data/index.ts';
import { canonicalJson, damaged } from '../data/index.ts';
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

/** The bytes of a small object; undefined where none stands. */
export async function getBytes(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  return (await getObject(store, key))?.bytes;
}

/**
 * A small object as text; undefined where none stands.
 * @throws DataError when it is not UTF-8
 */
export async function getText(store: ObjectStore, key: string): Promise<string | undefined> {
  const object = await getObject(store, key);
  return object && decodeText(object.bytes, key);
}

/**
 * The value of a small JSON object that Nightjar itself wrote; undefined where none stands. The type is a promise of
 * the caller, not a check: give what others wrote to a schema.
 * @throws DataError when it is not JSON
 */
export async function readJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  return (await readVersion<T>(store, key))?.value;
}

/** As readJson, with the etag of the very object that was read: what is decided by it can be written on condition. */
export async function readVersion<T>(
  store: ObjectStore,
  key: string,
): Promise<{ value: T; etag: string } | undefined> {
  const object = await getObject(store, key);
  if (!object) return undefined;
  const text = decodeText(object.bytes, key);
  try {
    return { value: JSON.parse(text), etag: object.etag };
  } catch (cause) {
    throw damaged(key, 'JSON', cause);
  }
}

async function getObject(
  store: ObjectStore,
  key: string,
): Promise<{ bytes: Uint8Array; etag: string } | undefined> {
  try {
    const object = await store.get(key);
    return { bytes: await object.bytes(), etag: object.info.etag };
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

function decodeText(bytes: Uint8Array, key: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw damaged(key, 'text in UTF-8', cause);
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
