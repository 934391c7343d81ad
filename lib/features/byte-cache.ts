import type { ByteSource } from '../data/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';

/** Objects up to this size are read whole (see readShard), so keeping them saves a request per shard. */
const SMALL = 1 << 20;

/**
 * Keeps small objects in memory while a job walks through its shards: hundreds of daily drops are read once and not
 * once per shard. Objects are immutable, so what is kept never goes stale. Once full it keeps what it has.
 */
export class ByteCache {
  readonly #limit: number;
  #used = 0;
  readonly #kept = new Map<string, Uint8Array>();

  constructor(limitBytes = 256 << 20) {
    this.#limit = limitBytes;
  }

  /** @throws ObjectNotFound */
  async open(store: ObjectStore, key: string): Promise<ByteSource> {
    const kept = this.#kept.get(key);
    if (kept) return fromBytes(key, kept);
    const source = await byteSource(store, key);
    if (source.size > SMALL || this.#used + source.size > this.#limit) return source;
    const bytes = await source.read(0, source.size);
    this.#kept.set(key, bytes);
    this.#used += bytes.length;
    return fromBytes(key, bytes);
  }
}

function fromBytes(name: string, bytes: Uint8Array): ByteSource {
  return { name, size: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}
