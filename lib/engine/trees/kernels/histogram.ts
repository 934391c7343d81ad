import {
  block,
  type Code,
  copyBytes,
  fillZero,
  get,
  i32,
  i64,
  i64x2,
  type Kernel,
  leave,
  leaveIf,
  loop,
  set,
  v128,
  when,
} from './assembler.ts';

/** Bins of a column: 0 is missing, 1 to 255 are ranges of values. */
export const BINS = 256;
/** A bin is two int64: Σ gradient, and Σ hessian with the number of rows above it. */
export const BIN_BYTES = 16;
export const COLUMN_BYTES = BINS * BIN_BYTES;
/** Columns whose histograms one pass over the rows fills. */
export const COLUMNS_PER_PASS = 4;

/**
 * histogram(rows, end, pairs, c0, c1, c2, c3, out, countShift): for each row index from `rows` to `end` (addresses) adds
 * its pair (int32 gradient, int32 hessian, in the order of the indices) to the bins that four columns of bytes have for
 * the row. Whole numbers, so that sums do not depend on their order.
 */
export function histogram(): Kernel {
  const [rows, end, pairs, firstColumn, out, shift] = [0, 1, 2, 3, 7, 8];
  const [row, address, pair, one] = [9, 10, 11, 12];
  const addTo = (column: number): Code => [
    set(
      address,
      i32.add(get(out), i32.shl(i32.loadByte(i32.add(get(firstColumn + column), get(row))), i32.of(4))),
    ),
    v128.store(
      get(address),
      i64x2.add(v128.load(get(address), column * COLUMN_BYTES), get(pair)),
      column * COLUMN_BYTES,
    ),
  ];
  return {
    name: 'histogram',
    parameters: new Array(9).fill('i32'),
    locals: ['i32', 'i32', 'v128', 'v128'],
    body: [
      fillZero(get(out), i32.of(COLUMNS_PER_PASS * COLUMN_BYTES)),
      set(one, i64x2.withLane(1, i64x2.splat(i64.of(0)), i64.shl(i64.of(1), i64.fromI32(get(shift))))),
      block(
        loop([
          leaveIf(1, i32.eqz(i32.ltUnsigned(get(rows), get(end)))),
          set(row, i32.load(get(rows))),
          set(pair, i64x2.add(i64x2.extend(v128.loadHalf(get(pairs))), get(one))),
          Array.from({ length: COLUMNS_PER_PASS }, (_, column) => addTo(column)),
          set(rows, i32.add(get(rows), i32.of(4))),
          set(pairs, i32.add(get(pairs), i32.of(8))),
          leave(0),
        ]),
      ),
    ],
  };
}

/** subtract(from, other, bytes): from -= other, bin by bin: the histogram of a leaf's sibling (Ke et al. 2017). */
export function subtract(): Kernel {
  const [from, other, bytes, end] = [0, 1, 2, 3];
  return {
    name: 'subtract',
    parameters: ['i32', 'i32', 'i32'],
    locals: ['i32'],
    body: [
      set(end, i32.add(get(from), get(bytes))),
      loop([
        v128.store(get(from), i64x2.sub(v128.load(get(from)), v128.load(get(other)))),
        set(from, i32.add(get(from), i32.of(BIN_BYTES))),
        set(other, i32.add(get(other), i32.of(BIN_BYTES))),
        leaveIf(0, i32.ltUnsigned(get(from), get(end))),
      ]),
    ],
  };
}

/** sumBins(column, out): the sum over a column's bins, which is that of the leaf. */
export function sumBins(): Kernel {
  const [column, out, end, sum] = [0, 1, 2, 3];
  return {
    name: 'sumBins',
    parameters: ['i32', 'i32'],
    locals: ['i32', 'v128'],
    body: [
      set(end, i32.add(get(column), i32.of(COLUMN_BYTES))),
      set(sum, i64x2.splat(i64.of(0))),
      loop([
        set(sum, i64x2.add(get(sum), v128.load(get(column)))),
        set(column, i32.add(get(column), i32.of(BIN_BYTES))),
        leaveIf(0, i32.ltUnsigned(get(column), get(end))),
      ]),
      v128.store(get(out), get(sum)),
    ],
  };
}

/**
 * partition(rows, end, pairs, column, below, missingRight, spareRows, sparePairs): brings the row indices from `rows` to
 * `end` whose bin goes left to the front, both sides in their old order, and moves the pairs (0: there are none) along.
 * Left goes a bin below `below`, where the missing bin 0 counts as 256 if missingRight is 1. Returns how many went left.
 * Without branches by the bin: which side a row goes cannot be foreseen.
 */
export function partition(): Kernel {
  const [rows, end, pairs, column, below, missingRight, spareRows, sparePairs] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [from, row, goesLeft, left, spare, pairFrom, pairLeft, pairSpare, pair] = [
    8, 9, 10, 11, 12, 13, 14, 15, 16,
  ];
  const step = (pointer: number, by: Code): Code => set(pointer, i32.add(get(pointer), by));
  const four = i32.shl(get(goesLeft), i32.of(2));
  const eight = i32.shl(get(goesLeft), i32.of(3));
  return {
    name: 'partition',
    parameters: new Array(8).fill('i32'),
    locals: [...new Array(8).fill('i32'), 'i64'],
    result: 'i32',
    body: [
      set(from, get(rows)),
      set(left, get(rows)),
      set(spare, get(spareRows)),
      set(pairFrom, get(pairs)),
      set(pairLeft, get(pairs)),
      set(pairSpare, get(sparePairs)),
      set(below, i32.sub(get(below), get(missingRight))),
      block(
        loop([
          leaveIf(1, i32.eqz(i32.ltUnsigned(get(from), get(end)))),
          set(row, i32.load(get(from))),
          set(
            goesLeft,
            // the missing bin less 1 is the largest number
            i32.ltUnsigned(
              i32.sub(i32.loadByte(i32.add(get(column), get(row))), get(missingRight)),
              get(below),
            ),
          ),
          i32.store(get(left), get(row)),
          i32.store(get(spare), get(row)),
          when(get(pairs), [
            set(pair, i64.load(get(pairFrom))),
            i64.store(get(pairLeft), get(pair)),
            i64.store(get(pairSpare), get(pair)),
            step(pairFrom, i32.of(8)),
            step(pairLeft, eight),
            step(pairSpare, i32.sub(i32.of(8), eight)),
          ]),
          step(from, i32.of(4)),
          step(left, four),
          step(spare, i32.sub(i32.of(4), four)),
          leave(0),
        ]),
      ),
      copyBytes(get(left), get(spareRows), i32.sub(get(spare), get(spareRows))),
      when(get(pairs), copyBytes(get(pairLeft), get(sparePairs), i32.sub(get(pairSpare), get(sparePairs)))),
      // a count, from a distance in bytes
      i32.shrUnsigned(i32.sub(get(left), get(rows)), i32.of(2)),
    ],
  };
}
