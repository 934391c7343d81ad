import type { RecordBatch } from 'apache-arrow';
import { encodeArrow, MEMBERS, RANGES } from '../../data/index.ts';
import { columnData, numberColumn } from '../columns.ts';
import { lowerBound } from '../days-file.ts';

/**
 * Packs: the small files of many drops as one sharded Arrow file. The rows stay those of their drops, batch by batch; only
 * where they lie is another. So whoever reads a pack computes what it would from the files, to the bit.
 */

/** What a pack holds of one drop: rows of this revision, of these shop days. */
export interface Held {
  readonly dropId: string;
  readonly revision: string;
  readonly minDay: number;
  readonly maxDay: number;
}

/** Metadata of the schema: whose rows a pack holds, in the order of the numbers of its members. */
const HELD = 'nightjar.held';

/** Rows of all members together that a range is worth: some 500 KB. */
const ROWS_PER_RANGE = 1 << 13;
const MOST_RANGES = 4096;

export interface Member {
  readonly held: Held;
  /** In ascending order of the user's hash where they are cut by it. */
  readonly batches: readonly RecordBatch[];
}

/**
 * The bytes of a pack.
 * @param members with batches of one schema
 * @param cut are the rows sorted by `hash` and to be cut into ranges of it? Else there is one range, of all rows
 */
export function encodePack(members: readonly Member[], cut: boolean): Uint8Array {
  const rows = members.reduce((sum, { batches }) => sum + rowsOf(batches), 0);
  let ranges = 1;
  while (cut && ranges < MOST_RANGES && rows / (2 * ranges) >= ROWS_PER_RANGE) ranges *= 2;
  const cuts = members.map(({ batches }) => batches.map((batch) => cutsOf(batch, ranges)));
  const all: RecordBatch[] = [];
  const numbers = Array.from({ length: ranges }, (_, range) => {
    const own: number[] = [];
    for (const [number, { batches }] of members.entries()) {
      for (const [i, batch] of batches.entries()) {
        const from = cuts[number]![i]![range]!;
        const to = cuts[number]![i]![range + 1]!;
        if (from === to) continue;
        all.push(to - from === batch.numRows ? batch : batch.slice(from, to));
        own.push(number);
      }
    }
    return own;
  });
  const { schema } = members[0]!.batches[0]!;
  return encodeArrow([...schema.fields], all, {
    [RANGES]: String(ranges),
    [MEMBERS]: JSON.stringify(numbers),
    [HELD]: JSON.stringify(members.map(({ held }) => [held.dropId, held.revision, held.minDay, held.maxDay])),
  });
}

/** Whose rows a pack holds, by what its schema says; undefined where it is none. */
export function heldBy(metadata: ReadonlyMap<string, string>): Held[] | undefined {
  const text = metadata.get(HELD);
  if (text === undefined) return undefined;
  const held: [string, string, number, number][] = JSON.parse(text);
  return held.map(([dropId, revision, minDay, maxDay]) => ({ dropId, revision, minDay, maxDay }));
}

const rowsOf = (batches: readonly RecordBatch[]): number =>
  batches.reduce((sum, { numRows }) => sum + numRows, 0);

/** Where each range begins in a batch, and the end. */
function cutsOf(batch: RecordBatch, ranges: number): number[] {
  if (ranges === 1) return [0, batch.numRows];
  const hash = numberColumn(columnData(batch, 'hash', 'a pack'), 'hash', 'a pack');
  return Array.from({ length: ranges + 1 }, (_, range) => lowerBound(hash, (range / ranges) * 2 ** 32));
}
