import { sha256 } from '../../lib/data/index.ts';
import {
  compareKeys,
  InvalidRange,
  type ObjectInfo,
  ObjectNotFound,
  type ObjectStore,
  PreconditionFailed,
} from '../../lib/runtime/index.ts';

/** A store in memory that is as a bucket under KMS is: every put has another etag, and no digest is told. */
export interface MemoryStore extends ObjectStore {
  /** The time of what is put from now on. */
  now: Date;
  /** Another one with the same objects. */
  copy(): MemoryStore;
}

interface Held {
  readonly info: ObjectInfo;
  readonly bytes: Uint8Array;
}

export function memoryStore(now: Date, objects = new Map<string, Held>(), puts = { made: 0 }): MemoryStore {
  const standing = (key: string): Held => {
    const held = objects.get(key);
    if (!held) throw new ObjectNotFound(key);
    return held;
  };
  return {
    now,
    copy() {
      return memoryStore(this.now, new Map(objects), { ...puts });
    },
    async get(key, { range, ifMatch } = {}) {
      const { info, bytes } = standing(key);
      if (ifMatch !== undefined && ifMatch !== info.etag) throw new PreconditionFailed(key, ifMatch);
      if (range && range.start >= bytes.length)
        throw new InvalidRange(key, range.start, range.end, bytes.length);
      const part = range ? bytes.slice(range.start, range.end) : bytes;
      return {
        info,
        bytes: async () => part,
        body: (async function* () {
          yield part;
        })(),
      };
    },
    async head(key) {
      return objects.get(key)?.info;
    },
    async put(key, body, { ifAbsent, ifMatch } = {}) {
      const held = objects.get(key);
      if (ifAbsent && held) return { written: false };
      if (ifMatch !== undefined && held?.info.etag !== ifMatch) return { written: false };
      const bytes = await whole(body);
      const etag = sha256(`put ${puts.made++}`).slice(0, 32);
      objects.set(key, { info: { key, size: bytes.length, etag, lastModified: this.now }, bytes });
      return { written: true, etag };
    },
    async *list(prefix, { startAfter = '' } = {}) {
      const keys = [...objects.keys()].filter(
        (key) => key.startsWith(prefix) && (startAfter === '' || compareKeys(key, startAfter) > 0),
      );
      for (const key of keys.sort(compareKeys)) {
        const held = objects.get(key);
        if (held) yield held.info;
      }
    },
    async delete(key) {
      objects.delete(key);
    },
  };
}

async function whole(body: Parameters<ObjectStore['put']>[1]): Promise<Uint8Array> {
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}
