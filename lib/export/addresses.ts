import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { StepContext } from './context.ts';
import type { CsvWriter } from './csv.ts';
import type { ExportFile, Format } from './manifest.ts';
import type { ShardRows } from './shard-rows.ts';
import { decileOf, type ExportTable, partName, rankedTasks } from './table.ts';
import { type Column, writeTableFile } from './table-file.ts';

/**
 * Hashed addresses of all users, once each, in three steps of which none holds more than its part: each part of the users
 * files its addresses by their first bits; of those with the same first bits the best rank of each address is found, and
 * filed by range of ranks; then each range is written.
 */

const HASH = 32;

interface AddressRows extends Pick<ShardRows, 'columns'> {
  readonly control: Uint8Array;
  readonly ranks: readonly Uint32Array[];
}

const addressFile = (folder: string, part: number): string => join(folder, `addresses-${part}`);
const rangeFile = (folder: string, task: number, bucket: number): string =>
  join(folder, `ranges-${task}-${bucket}`);

/** Files the addresses of a part: hash, control group, rank in each task. */
export async function fileAddresses(
  folder: string,
  part: number,
  buckets: number,
  shards: readonly AddressRows[],
): Promise<void> {
  const width = HASH + 1 + 4 * (shards[0]?.ranks.length ?? 0);
  const file = new Segments(buckets);
  for (const { columns, control, ranks } of shards) {
    const { emails, rows } = columns;
    if (!emails) continue;
    const texts = Buffer.from(emails.bytes.buffer, emails.bytes.byteOffset, emails.bytes.length);
    for (let row = 0; row < rows; row++) {
      if (!emails.has(row)) continue;
      const hash = Buffer.from(
        texts.toString('latin1', emails.offsets[row]!, emails.offsets[row + 1]!),
        'hex',
      );
      const entry = file.add(Math.floor((hash.readUInt32BE(0) / 2 ** 32) * buckets), width);
      hash.copy(entry);
      entry[HASH] = control[row]!;
      for (const [task, of] of ranks.entries()) entry.writeUInt32LE(of[row]!, HASH + 1 + 4 * task);
    }
  }
  await file.write(addressFile(folder, part));
}

export interface BestArguments {
  readonly table: ExportTable;
  readonly bucket: number;
  readonly parts: number;
  readonly ranked: readonly number[];
}

/**
 * Finds the best rank of each address among those with the same first bits. Left out are all addresses of the control
 * group: also where another account of the same address is not in it.
 */
export async function bestOfAddresses(
  { folder }: StepContext,
  { table, bucket, parts, ranked }: BestArguments,
): Promise<void> {
  const tasks = rankedTasks(table.shape).length;
  const width = HASH + 1 + 4 * tasks;
  const best = new Map<string, { held: boolean; readonly ranks: Uint32Array }>();
  for (let part = 0; part < parts; part++) {
    const entries = await readSegment(addressFile(folder, part), bucket, parts);
    for (let at = 0; at < entries.length; at += width) {
      const hash = entries.toString('latin1', at, at + HASH);
      let known = best.get(hash);
      if (!known) {
        known = { held: false, ranks: new Uint32Array(tasks) };
        best.set(hash, known);
      }
      known.held ||= entries[at + HASH] === 1;
      for (let task = 0; task < tasks; task++) {
        const rank = entries.readUInt32LE(at + HASH + 1 + 4 * task);
        const standing = known.ranks[task]!;
        if (rank > 0 && (standing === 0 || rank < standing)) known.ranks[task] = rank;
      }
    }
  }
  for (let task = 0; task < tasks; task++) {
    const file = new Segments(parts);
    for (const [hash, { held, ranks }] of best) {
      const rank = ranks[task]!;
      if (held || rank === 0) continue;
      const entry = file.add(rangeOf(rank, ranked[task]!, parts), 4 + HASH);
      entry.writeUInt32LE(rank);
      entry.write(hash, 4, 'latin1');
    }
    await file.write(rangeFile(folder, task, bucket));
  }
}

const rangeOf = (rank: number, ranked: number, parts: number): number =>
  Math.floor(((rank - 1) * parts) / ranked);

export const AUDIENCE_COLUMNS: readonly Column[] = [
  {
    name: 'email_sha256',
    type: 'VARCHAR',
    means: 'SHA-256 of the normalised address, 64 hex digits in lower case',
  },
  { name: 'decile', type: 'INTEGER', means: 'of the task, as in `users`' },
  {
    name: 'rank',
    type: 'INTEGER',
    means: 'of the task, as in `users`; the order of the rows, and of the files where there are several',
  },
];

export interface AudienceArguments {
  readonly task: number;
  readonly part: number;
  readonly parts: number;
  readonly keys: Partial<Readonly<Record<Format, string>>>;
  /** Users that the task ranks. */
  readonly ranked: number;
}

/** Writes a range of ranks of a task's addresses, best first. */
export async function writeAudience(
  { store, folder, guardFormulas }: StepContext,
  { task, part, parts, keys, ranked }: AudienceArguments,
): Promise<ExportFile[]> {
  const entries: Buffer[] = [];
  for (let bucket = 0; bucket < parts; bucket++) {
    const segment = await readSegment(rangeFile(folder, task, bucket), part, parts);
    for (let at = 0; at < segment.length; at += 4 + HASH) entries.push(segment.subarray(at, at + 4 + HASH));
  }
  entries.sort((a, b) => a.readUInt32LE() - b.readUInt32LE());
  return writeTableFile({
    ...{ store, folder, guardFormulas, table: 'audiences', rows: entries.length, keys },
    columns: AUDIENCE_COLUMNS,
    name: partName(`audience-${task}`, part, parts),
    records: (csv) => addressRecords(csv, entries, ranked),
  });
}

function* addressRecords(csv: CsvWriter, entries: readonly Buffer[], ranked: number): Generator<void> {
  for (const entry of entries) {
    const rank = entry.readUInt32LE();
    csv.plain(entry.toString('hex', 4, 4 + HASH));
    csv.whole(decileOf(rank, ranked));
    csv.whole(rank);
    csv.end();
    yield;
  }
}

/** A file of some segments of bytes: the length of each, then the segments. */
class Segments {
  readonly #segments: { bytes: Buffer; length: number }[];

  constructor(count: number) {
    this.#segments = Array.from({ length: count }, () => ({ bytes: Buffer.alloc(0), length: 0 }));
  }

  /** @returns the bytes to fill in */
  add(index: number, length: number): Buffer {
    const segment = this.#segments[index]!;
    const end = segment.length + length;
    if (end > segment.bytes.length) {
      const larger = Buffer.alloc(Math.max(4096, 2 * end));
      segment.bytes.copy(larger, 0, 0, segment.length);
      segment.bytes = larger;
    }
    const entry = segment.bytes.subarray(segment.length, end);
    segment.length = end;
    return entry;
  }

  async write(path: string): Promise<void> {
    const lengths = Buffer.alloc(8 * this.#segments.length);
    for (const [i, { length }] of this.#segments.entries()) lengths.writeBigUInt64LE(BigInt(length), 8 * i);
    const file = await open(path, 'w');
    try {
      await file.appendFile(lengths);
      for (const { bytes, length } of this.#segments) await file.appendFile(bytes.subarray(0, length));
    } finally {
      await file.close();
    }
  }
}

/** One segment of a file of as many as `count`. */
async function readSegment(path: string, index: number, count: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const lengths = Buffer.alloc(8 * count);
    await file.read(lengths, 0, lengths.length, 0);
    let from = lengths.length;
    for (let i = 0; i < index; i++) from += Number(lengths.readBigUInt64LE(8 * i));
    const segment = Buffer.alloc(Number(lengths.readBigUInt64LE(8 * index)));
    await file.read(segment, 0, segment.length, from);
    return segment;
  } finally {
    await file.close();
  }
}
