import {
  type ByteSource,
  type FilePart,
  openShardedFile,
  readingAhead,
  type ShardedFile,
  WHOLE_FILE,
} from '../data/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';

/** A window smaller than this costs more in requests than it saves in memory. */
const LEAST_WINDOW = 1 << 16;
/** A larger one saves few requests more. */
const LARGEST_WINDOW = 8 << 20;

interface Opened {
  readonly file: ShardedFile;
  /** The parts of the range that was read last, where several shards lie in one. */
  last?: { readonly range: number; readonly parts: FilePart[] };
}

/**
 * The sharded files that a job reads, each opened once. Small files are kept in memory: hundreds of daily drops are read
 * once and not once per shard. Larger ones are read ahead, since a job walks through its shards in ascending order. So
 * the requests of a job grow with the files and with their bytes, not with files times shards. Objects are immutable, so
 * what is kept never goes stale.
 */
export class ShardedFiles {
  readonly #open: (key: string) => Promise<ByteSource>;
  readonly #limit: number;
  #used = 0;
  /** Files that are read ahead: they share the memory. */
  #large = 0;
  readonly #opened = new Map<string, Promise<Opened>>();

  /**
   * @param files a store, or how a file is opened
   * @param limitBytes how many bytes of small files are kept at most, and as many are read ahead of the large ones
   */
  constructor(files: ObjectStore | ((key: string) => Promise<ByteSource>), limitBytes = 256 << 20) {
    this.#open = typeof files === 'function' ? files : (key) => byteSource(files, key);
    this.#limit = limitBytes;
  }

  /**
   * The batches that cover a shard, or more: filter by hash.
   * @throws ObjectNotFound, DataError when the object is no sharded Arrow file
   */
  async read(key: string, shard: number, shards: number): Promise<FilePart[]> {
    const opened = await this.#file(key);
    const { file, last } = opened;
    if (file.ranges >= shards) return file.read(shard, shards);
    const range = Math.floor((shard * file.ranges) / shards);
    if (last?.range === range) return last.parts;
    const parts = await file.read(shard, shards);
    opened.last = { range, parts };
    return parts;
  }

  /** What a file's schema tells of it. @throws as `read` */
  async metadata(key: string): Promise<ReadonlyMap<string, string>> {
    return (await this.#file(key)).file.schema.metadata;
  }

  #file(key: string): Promise<Opened> {
    const known = this.#opened.get(key);
    if (known) return known;
    const opening = this.#load(key);
    this.#opened.set(key, opening);
    // Whoever asks again tries again.
    opening.catch(() => this.#opened.delete(key));
    return opening;
  }

  async #load(key: string): Promise<Opened> {
    const source = await this.#open(key);
    if (source.size > WHOLE_FILE) {
      this.#large++;
      const window = () =>
        Math.max(LEAST_WINDOW, Math.min(LARGEST_WINDOW, Math.floor(this.#limit / this.#large)));
      return { file: await openShardedFile(readingAhead(source, window)) };
    }
    const opened = { file: await openShardedFile(source) };
    if (this.#used + source.size > this.#limit) this.#opened.delete(key);
    else this.#used += source.size;
    return opened;
  }
}
