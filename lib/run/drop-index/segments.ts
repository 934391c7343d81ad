import { damaged, sha256 } from '../../data/index.ts';
import { getBytes, ObjectNotFound, type ObjectStore } from '../../runtime/index.ts';
import { type Missing, missingDrop } from '../manifest.ts';
import {
  decodeRows,
  dropOf,
  encodeRows,
  idOf,
  isInput,
  isRead,
  type Row,
  rowHasRows,
  versionOf,
} from './rows.ts';

/** The group of drops that were not judged by any settings, or are not through by those they were judged by. */
export const WAITING = 'waiting';

/** What the rows of a segment say together. */
export interface Summary {
  readonly source: string | null;
  /** By which its rows were made. */
  readonly mapping: string | null;
  readonly refused: number;
  /** Drops that are through and have nothing that a run reads. */
  readonly rowless: number;
  /** Drops of events or labels with clean rows. */
  readonly inputs: number;
  readonly labels: boolean;
  /** Sizes of drops that are through. */
  readonly bytes: number;
  /** First and last shop day of all, and of drops of events the latest first day. */
  readonly firstDay: number | null;
  readonly lastDay: number | null;
  readonly latestStart: number | null;
}

/** An immutable segment of the index, named by its content: rows of one scope and month in ascending order of keys. */
export interface Segment {
  readonly key: string;
  /** The scope by which its drops are done or refused, or `WAITING`. */
  readonly group: string;
  /** Of the drops' times, 'YYYY-MM' in UTC. */
  readonly month: string;
  readonly rows: number;
  /** Bytes of what `readMembers` reads; the rows follow. */
  readonly head: number;
  readonly summary: Summary;
}

/** What a tick keeps of each drop in memory, 33 bytes: the numbers of a row, by its place in the segment. */
export interface Members {
  readonly ids: Uint32Array;
  readonly versions: Uint32Array;
  readonly contents: Uint32Array;
  readonly sizes: Float64Array;
  /** 1 where a run reads something of it. */
  readonly flags: Uint8Array;
  /** The first refused drops, as a run names them. */
  readonly refused: readonly Missing[];
}

/** Of refused drops so many are told by name. */
export const TOLD = 1000;

export const monthOf = ({ modified }: Row): string => new Date(modified).toISOString().slice(0, 7);

/** @param rows of one group and month, in ascending order of keys */
export function encodeSegment(
  group: string,
  month: string,
  rows: readonly Row[],
): { segment: Segment; members: Members; bytes: Uint8Array } {
  const count = rows.length;
  const numbers = new Uint32Array(6 * count);
  const view = Buffer.from(numbers.buffer);
  const sizes = new Float64Array(count);
  const flags = new Uint8Array(count);
  for (const [i, row] of rows.entries()) {
    idOf(row.key).copy(view, 8 * i);
    versionOf(row, row.modified).copy(view, 8 * (count + i));
    if (row.content !== null) Buffer.from(row.content, 'hex').copy(view, 8 * (2 * count + i));
    sizes[i] = row.size;
    flags[i] = Number(isRead(row));
  }
  const refused = firstMissing(rows.filter(({ state }) => state === 'refused'));
  const header = Buffer.from(JSON.stringify({ rows: count, refused }));
  const begin = paddedTo8(4 + header.length);
  const head = begin + 33 * count;
  const bytes = Buffer.concat([
    lengthOf(header),
    header,
    Buffer.alloc(begin - 4 - header.length, ' '),
    view,
    Buffer.from(sizes.buffer),
    flags,
    Buffer.from(encodeRows(rows)),
  ]);
  const key = `index/${group}/${month}/${sha256(bytes).slice(0, 32)}`;
  const members = { ...numbered(numbers, count), sizes, flags, refused };
  return { segment: { key, group, month, rows: count, head, summary: summaryOf(rows) }, members, bytes };
}

function firstMissing(rows: readonly Row[]): Missing[] {
  return rows.slice(0, TOLD).flatMap((row) => missingDrop(dropOf(row)) ?? []);
}

function lengthOf(header: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return length;
}

const paddedTo8 = (bytes: number): number => Math.ceil(bytes / 8) * 8;

const numbered = (numbers: Uint32Array, count: number) => ({
  ids: numbers.subarray(0, 2 * count),
  versions: numbers.subarray(2 * count, 4 * count),
  contents: numbers.subarray(4 * count),
});

function summaryOf(rows: readonly Row[]): Summary {
  const done = rows.filter(({ state }) => state === 'done');
  const events = done.filter(({ table, minDay }) => table === 'events' && minDay !== null);
  const least = (days: readonly (number | null)[]) =>
    days.reduce((a, b) => (a === null || (b !== null && b < a) ? b : a), null);
  const most = (days: readonly (number | null)[]) =>
    days.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null);
  const read = done.find(({ revision }) => revision !== null);
  return {
    source: read?.source ?? null,
    mapping: read?.revision?.slice(0, read.revision.length / 2) ?? null,
    refused: rows.filter(({ state }) => state === 'refused').length,
    rowless: done.filter((row) => !rowHasRows(row)).length,
    inputs: done.filter(isInput).length,
    labels: done.some(({ table }) => table === 'labels'),
    bytes: done.reduce((sum, { size }) => sum + size, 0),
    firstDay: least(events.map(({ minDay }) => minDay)),
    lastDay: most(done.map(({ maxDay }) => maxDay)),
    latestStart: most(events.map(({ minDay }) => minDay)),
  };
}

/** @throws ObjectNotFound */
export async function readMembers(store: ObjectStore, { key, head }: Segment): Promise<Members> {
  const object = await store.get(key, { range: { start: 0, end: head } });
  const bytes = await object.bytes();
  const length = Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32LE();
  const header = new TextDecoder().decode(bytes.subarray(4, 4 + length));
  let told: { rows: number; refused: Missing[] };
  try {
    told = JSON.parse(header);
  } catch (cause) {
    throw damaged(key, 'a segment of the index', cause);
  }
  const { rows, refused } = told;
  const begin = paddedTo8(4 + length);
  // Copied, as numbers must lie on a border of their size.
  const numbers = new Uint32Array(6 * rows);
  Buffer.from(numbers.buffer).set(bytes.subarray(begin, begin + 24 * rows));
  const sizes = new Float64Array(rows);
  Buffer.from(sizes.buffer).set(bytes.subarray(begin + 24 * rows, begin + 32 * rows));
  const flags = bytes.slice(begin + 32 * rows, begin + 33 * rows);
  return { ...numbered(numbers, rows), sizes, flags, refused };
}

/** Rows that are made when they are asked for. */
export interface SegmentRows {
  readonly count: number;
  row(n: number): Row;
  dropId(n: number): string;
}

/** The rows of a segment, by its key alone. @throws ObjectNotFound where it has lapsed */
export async function readRows(store: ObjectStore, key: string): Promise<SegmentRows> {
  const bytes = await getBytes(store, key);
  if (!bytes) throw new ObjectNotFound(key);
  const length = Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32LE();
  const text = new TextDecoder();
  try {
    const { rows: count }: { rows: number } = JSON.parse(text.decode(bytes.subarray(4, 4 + length)));
    const begin = paddedTo8(4 + length);
    const ids = Buffer.from(bytes.subarray(begin, begin + 8 * count));
    return {
      count,
      row: decodeRows(text.decode(bytes.subarray(begin + 33 * count))),
      dropId: (n) => ids.toString('hex', 8 * n, 8 * n + 8),
    };
  } catch (cause) {
    throw damaged(key, 'a segment of the index', cause);
  }
}
