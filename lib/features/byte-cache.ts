import { type ArrowFile, decodeArrow, readShard } from '../data/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';

/** Objects up to this size are read whole (see readShard), so keeping them saves a request and a parse per shard. */
const SMALL = 1 << 20;

/**
 * Opens sharded files and keeps small ones in memory while a job walks through its shards: hundreds of daily drops
 * are read once and not once per shard. Objects are immutable, so what is kept never goes stale. Once full it keeps
 * what it has.
 */
export class ByteCache {
  readonly #limit: number;
  #used = 0;
  readonly #kept = new Map<string, ArrowFile>();

  /** @param limitBytes how many bytes of files are kept at most */
  constructor(limitBytes = 256 << 20) {
    this.#limit = limitBytes;
  }

  /**
   * The batches that cover a shard, or more: filter by hash.
   * @throws ObjectNotFound, DataError when the object is no sharded Arrow file
   */
  async read(store: ObjectStore, key: string, shard: number, shards: number): Promise<ArrowFile> {
    const kept = this.#kept.get(key);
    if (kept) return kept;
    const source = await byteSource(store, key);
    if (source.size > SMALL || this.#used + source.size > this.#limit)
      return readShard(source, shard, shards);
    const file = decodeArrow(await source.read(0, source.size), source.name);
    this.#kept.set(key, file);
    this.#used += source.size;
    return file;
  }
}
