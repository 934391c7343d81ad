import { Field, Int32, type RecordBatch, Uint32, Uint64 } from 'apache-arrow';
import { batchCount, encodeArrow, recordBatch } from '../../data/index.ts';
import { columnData, int32Column, numberColumn, plain, uint64Column, uint64Data } from '../columns.ts';
import { picked, rangesOf } from './ranges.ts';
import type { KeyedDrop } from './types.ts';
import type { WinnerRows } from './winners.ts';

/**
 * The winners of one range of identities as a sharded Arrow file, cut by the hash of the user: a reader of a shard fetches
 * what concerns its own users.
 */

const FIELDS = [
  new Field('hash', new Uint32(), false),
  new Field('id', new Uint64(), false),
  new Field('day', new Int32(), false),
  new Field('drop', new Int32(), false),
];

/** @param drops what the numbers in `drop` stand for; told in the schema, for people */
export function encodeWinners(winners: WinnerRows, drops: readonly KeyedDrop[], shards: number): Uint8Array {
  const { length: rows, hash, id, day, drop } = winners;
  const { order, ends } = rangesOf(hash, { rows }, batchCount(rows, shards));
  const batches = Array.from(ends, (end, range) => {
    const own = order.subarray(range === 0 ? 0 : ends[range - 1]!, end);
    const columns = [
      plain(new Uint32(), picked(hash, own)),
      uint64Data(picked(id, own, 2)),
      plain(new Int32(), picked(day, own)),
      plain(new Int32(), picked(drop, own)),
    ];
    return recordBatch(FIELDS, columns, own.length);
  });
  return encodeArrow(FIELDS, batches, { drops: JSON.stringify(drops.map(({ dropId }) => dropId)) });
}

/** The rows of a batch whose users lie in a range of hashes, up to a day, in their order. */
export function* winnersOf(
  batch: RecordBatch,
  file: string,
  { low, high, before }: { low: number; high: number; before: number },
): Generator<{ low: number; high: number; drop: number }> {
  const column = (name: string) => columnData(batch, name, file);
  const hash = numberColumn(column('hash'), 'hash', file);
  const id = uint64Column(column('id'), 'id', file);
  const day = int32Column(column('day'), 'day', file);
  const drop = int32Column(column('drop'), 'drop', file);
  for (let row = 0; row < hash.length; row++) {
    if (hash[row]! < low || hash[row]! >= high || day[row]! >= before) continue;
    yield { low: id[2 * row]!, high: id[2 * row + 1]!, drop: drop[row]! };
  }
}
