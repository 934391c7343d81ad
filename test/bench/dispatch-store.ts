import { type CleanKeys, cleanKeys, mappingOf } from '../../lib/clean/index.ts';
import type { Config } from '../../lib/config/index.ts';
import { contentId, DAY_MS, formatDay, sha256 } from '../../lib/data/index.ts';
import { daysKey } from '../../lib/features/index.ts';
import { type ObjectInfo, ObjectNotFound, type ObjectStore } from '../../lib/runtime/index.ts';

const FIRST = Date.UTC(2022, 0, 1);
const DAYS = 1000;
/** The day after the last drop. */
export const END = FIRST + DAYS * DAY_MS;

/** Requests as S3 counts them: a listing has a thousand keys a page. */
export interface Requests {
  get: number;
  put: number;
  head: number;
  list: number;
}

/**
 * A bucket with as many drops of events as are asked for, a thousand days of them, all cleaned by a config: what stands there
 * is made when it is asked for. Whatever else is written stands in another store.
 */
export class GeneratedStore implements ObjectStore {
  readonly requests: Requests = { get: 0, put: 0, head: 0, list: 0 };
  readonly count: number;
  readonly #config: Config;
  readonly #inner: ObjectStore;
  readonly #mappings: ReadonlyMap<string, string>;
  /** Numbers of the drops in the order of their dropIds. */
  #order: Uint32Array | undefined;
  #ids: string[] = [];

  constructor(count: number, config: Config, inner: ObjectStore) {
    this.count = count;
    this.#config = config;
    this.#inner = inner;
    // Found once: it is the same for all drops of a source.
    const sources = Object.entries(config.sources);
    this.#mappings = new Map(sources.map(([name, source]) => [name, mappingOf(config, { name, source })]));
  }

  day(n: number): number {
    return Math.floor((n / this.count) * DAYS);
  }

  key(n: number): string {
    const date = formatDay(FIRST / DAY_MS + this.day(n)).replaceAll('-', '/');
    return `drop/orders/${date}/part-${String(n).padStart(7, '0')}.csv`;
  }

  info(n: number): ObjectInfo {
    const key = this.key(n);
    const lastModified = new Date(FIRST + this.day(n) * DAY_MS + (n % 86_000) * 1000);
    return { key, size: 20_000 + (n % 9000), etag: sha256(`etag ${n}`).slice(0, 32), lastModified };
  }

  digest(n: number): string {
    return sha256(`bytes ${n}`).slice(0, 32);
  }

  keys(n: number): CleanKeys {
    return cleanKeys(this.#config, this.key(n), this.digest(n), this.#mappings);
  }

  quality(n: number, { dropId, revision } = this.keys(n)) {
    const info = this.info(n);
    const day = FIRST / DAY_MS + this.day(n);
    return {
      dropId,
      key: info.key,
      revision,
      etag: info.etag,
      source: 'orders',
      table: 'events' as const,
      sha256: sha256(`bytes ${n}`),
      bytes: info.size,
      status: 'clean' as const,
      droppedAt: info.lastModified.getTime(),
      rowsIn: 400,
      clean: 399,
      duplicates: { found: 0, policy: 'drop' as const, dropped: 0 },
      quarantinedRows: 1,
      quarantined: { time: 1 },
      leftOut: {},
      withdrawn: 0,
      flagged: {},
      absent: [],
      keyValues: {},
      minDay: day - 1,
      maxDay: day - 1,
      users: 200,
    };
  }

  /** What listings of results need: the drops by their dropIds. */
  prepare(): void {
    const ids = Array.from({ length: this.count }, (_, n) => sha256(this.key(n)).slice(0, 16));
    const order = Array.from({ length: this.count }, (_, n) => n).sort((a, b) =>
      ids[a]! < ids[b]! ? -1 : 1,
    );
    this.#order = Uint32Array.from(order);
    this.#ids = order.map((n) => ids[n]!);
  }

  async *list(prefix: string, options: { startAfter?: string } = {}): AsyncGenerator<ObjectInfo> {
    let told = 0;
    this.requests.list++;
    for await (const info of this.#all(prefix, options)) {
      if (told > 0 && told % 1000 === 0) this.requests.list++;
      told++;
      yield info;
    }
  }

  async *#all(prefix: string, options: { startAfter?: string }): AsyncGenerator<ObjectInfo> {
    if (prefix === 'drop/') {
      const { startAfter } = options;
      const from =
        startAfter === undefined ? 0 : Number(/part-(\d+)\.csv$/.exec(startAfter)?.[1] ?? this.count) + 1;
      for (let n = from; n < this.count; n++) yield this.info(n);
      for await (const info of this.#inner.list(prefix, options)) yield asInBucket(info);
      return;
    }
    const [, place, begin] = /^(digests\/|quality\/|days\/[0-9a-f]+\/)([0-9a-f]*)/.exec(prefix) ?? [];
    if (place !== undefined && this.#order) {
      for (
        let i = this.#firstOf(begin!);
        i < this.count && this.#ids[i]!.startsWith(begin!.slice(0, 16));
        i++
      ) {
        const key = this.#resultOf(place, this.#order[i]!);
        if (key.startsWith(prefix)) yield { key, size: 0, etag: 'e', lastModified: new Date(END) };
      }
    }
    yield* this.#inner.list(prefix, options);
  }

  #firstOf(begin: string): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle]! < begin) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #resultOf(place: string, n: number): string {
    const keys = this.keys(n);
    if (place === 'quality/') return keys.quality;
    if (place.startsWith('days/')) return daysKey(this.#config, keys.clean!);
    return `digests/${keys.dropId}/${contentId(this.info(n).etag)}-${this.digest(n)}`;
  }

  async get(key: string, options?: Parameters<ObjectStore['get']>[1]) {
    this.requests.get++;
    const id = /^quality\/([0-9a-f]{16})\//.exec(key)?.[1];
    const place = id === undefined || !this.#order ? -1 : this.#firstOf(id);
    if (place < 0 || this.#ids[place] !== id) return this.#inner.get(key, options);
    const n = this.#order![place]!;
    if (this.keys(n).quality !== key) throw new ObjectNotFound(key);
    const bytes = Buffer.from(JSON.stringify(this.quality(n)));
    const info = { key, size: bytes.length, etag: 'e', lastModified: new Date(END) };
    return { info, bytes: async () => bytes, body: (async function* () {})() };
  }

  async head(key: string) {
    this.requests.head++;
    const info = await this.#inner.head(key);
    return info && key.startsWith('drop/') ? asInBucket(info) : info;
  }

  put(key: string, ...rest: [Parameters<ObjectStore['put']>[1], Parameters<ObjectStore['put']>[2]?]) {
    this.requests.put++;
    return this.#inner.put(key, ...rest);
  }

  delete(key: string) {
    return this.#inner.delete(key);
  }
}

/** Buckets do not say what the bytes are. */
function asInBucket({ key, size, etag, lastModified }: ObjectInfo): ObjectInfo {
  return { key, size, etag: `of ${etag}`, lastModified };
}
