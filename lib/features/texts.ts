import type { RecordBatch } from 'apache-arrow';
import { columnData, numberColumn, optionalColumn, textColumn } from './columns.ts';
import { grown } from './grow.ts';
import { Interner } from './interner.ts';
import type { ShardedFiles } from './sharded-files.ts';
import { parseEventId, type ReplacedLines } from './versions/index.ts';

export interface ReadTextsOptions {
  /** Clean events objects and the days they cover; those without a day in [from, before) are not opened. */
  readonly inputs: readonly {
    readonly key: string;
    readonly dropId: string;
    readonly minDay?: number;
    readonly maxDay?: number;
  }[];
  readonly shard: number;
  /** A power of two. */
  readonly shards: number;
  /** First shop day that is read. */
  readonly from: number;
  /** The first shop day that is no longer read. */
  readonly before: number;
  /** Lines that a newer version of their event has replaced: their texts are left out. */
  readonly replaced?: ReplacedLines | undefined;
  /** Pass the same to all shards of a job. */
  readonly files: ShardedFiles;
}

/** What users of one shard wrote, searched for or were shown, as far as their events have a text. */
export interface ShardTexts {
  /** Texts of the numbers in `text`. */
  readonly texts: Interner;
  /** Parallel columns; the rows of a user stand together in ascending order of time, then event type, then text. */
  readonly day: Int32Array;
  /** Code of the event type. */
  readonly type: Uint8Array;
  readonly text: Int32Array;
  /** Rows [start, end) of a user; undefined where there is none. */
  rowsOf(user: string): { readonly start: number; readonly end: number } | undefined;
}

/**
 * Reads the texts of one shard's events from the clean rows: day rows hold none. An event without a text has no row.
 * The same text of the same moment that several drops tell of stands several times: whoever wants distinct texts takes
 * them by their content.
 * @throws DataError when an input is no clean events file, ObjectNotFound when it is gone
 */
export async function readShardTexts(options: ReadTextsOptions): Promise<ShardTexts> {
  const { shard, shards, from, before, files } = options;
  const low = (shard / shards) * 2 ** 32;
  const high = ((shard + 1) / shards) * 2 ** 32;
  const rows = new TextRows();
  for (const { key, dropId, minDay = from, maxDay = from } of options.inputs) {
    if (minDay >= before || maxDay < from) continue;
    const isReplaced = options.replaced?.of(dropId);
    for (const { batch } of await files.read(key, shard, shards)) {
      rows.add(batch, key, { low, high, from, before }, isReplaced);
    }
  }
  return rows.finish();
}

class TextRows {
  readonly #users = new Interner();
  readonly #texts = new Interner();
  #count = 0;
  #user = new Int32Array(1024);
  #time = new Float64Array(1024);
  #day = new Int32Array(1024);
  #type = new Uint8Array(1024);
  #text = new Int32Array(1024);

  add(
    batch: RecordBatch,
    file: string,
    range: { low: number; high: number; from: number; before: number },
    isReplaced?: (low: number, high: number) => boolean,
  ): void {
    const data = optionalColumn(batch, 'text');
    if (!data || batch.numRows === 0) return;
    const text = textColumn(data, 'text', file);
    const numbers = (column: string) => numberColumn(columnData(batch, column, file), column, file);
    const user = textColumn(columnData(batch, 'user', file), 'user', file);
    const hash = numbers('hash');
    const day = numbers('day');
    const time = numbers('time');
    const type = numbers('type');
    const ids = isReplaced && optionalColumn(batch, 'id');
    const id = ids && textColumn(ids, 'id', file);
    const words = new Uint32Array(2);
    for (let row = 0; row < batch.numRows; row++) {
      if (hash[row]! < range.low || hash[row]! >= range.high) continue;
      if (day[row]! < range.from || day[row]! >= range.before) continue;
      if (!text.has(row) || text.offsets[row] === text.offsets[row + 1]) continue;
      if (isReplaced && id?.has(row)) {
        parseEventId(id.bytes, id.offsets[row]!, id.offsets[row + 1]!, words, 0, file);
        if (isReplaced(words[0]!, words[1]!)) continue;
      }
      const at = this.#next();
      this.#user[at] = this.#users.intern(user.bytes, user.offsets[row]!, user.offsets[row + 1]!);
      this.#text[at] = this.#texts.intern(text.bytes, text.offsets[row]!, text.offsets[row + 1]!);
      this.#time[at] = time[row]!;
      this.#day[at] = day[row]!;
      this.#type[at] = type[row]!;
    }
  }

  finish(): ShardTexts {
    const user = this.#user;
    const time = this.#time;
    const type = this.#type;
    const text = this.#text;
    const order = Int32Array.from({ length: this.#count }, (_, i) => i).sort(
      (a, b) =>
        user[a]! - user[b]! ||
        time[a]! - time[b]! ||
        type[a]! - type[b]! ||
        this.#texts.compare(text[a]!, text[b]!),
    );
    const ranges = new Map<string, { start: number; end: number }>();
    for (let start = 0; start < order.length; ) {
      const of = user[order[start]!]!;
      let end = start + 1;
      while (end < order.length && user[order[end]!] === of) end++;
      ranges.set(this.#users.text(of), { start, end });
      start = end;
    }
    return {
      texts: this.#texts,
      day: order.map((i) => this.#day[i]!),
      type: Uint8Array.from(order, (i) => type[i]!),
      text: order.map((i) => text[i]!),
      rowsOf: (name) => ranges.get(name),
    };
  }

  #next(): number {
    const at = this.#count++;
    this.#user = grown(this.#user, this.#count);
    this.#time = grown(this.#time, this.#count);
    this.#day = grown(this.#day, this.#count);
    this.#type = grown(this.#type, this.#count);
    this.#text = grown(this.#text, this.#count);
    return at;
  }
}
