import {
  block,
  type Code,
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
} from '../../host/assembler.ts';

/** Bins of a column: 0 is missing, 1 to 255 are ranges of values. */
const BINS = 256;
/** A bin is two int64: Σ gradient, and Σ hessian with the number of rows above it. */
const BIN_BYTES = 16;
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
