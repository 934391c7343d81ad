/** The place of each row in an order, and where each of equal ranges of 32-bit numbers ends in it. */
export interface Ranges {
  /** Rows of the first range, then those of the second, …; within a range in their own order. */
  readonly order: Uint32Array;
  readonly ends: Uint32Array;
}

/**
 * Orders rows by ranges of a 32-bit number each has, by counting.
 * @param word number of row i stands at words[i * stride + offset]
 * @param count how many ranges: a power of two
 */
export function rangesOf(
  words: Uint32Array,
  { rows, stride = 1, offset = 0 }: { rows: number; stride?: number; offset?: number },
  count: number,
): Ranges {
  const shift = 32 - Math.log2(count);
  const rangeOf = (row: number) => (count === 1 ? 0 : words[row * stride + offset]! >>> shift);
  const ends = new Uint32Array(count);
  for (let row = 0; row < rows; row++) ends[rangeOf(row)]!++;
  for (let range = 1; range < count; range++) ends[range]! += ends[range - 1]!;
  const order = new Uint32Array(rows);
  const next = ends.slice();
  for (let row = rows - 1; row >= 0; row--) order[--next[rangeOf(row)]!] = row;
  return { order, ends };
}

/**
 * The values of some rows, in their order.
 * @param stride numbers of a row
 */
export function picked<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(
  values: T,
  rows: Uint32Array,
  stride?: number,
): T;
export function picked(
  values: Uint8Array | Uint32Array | Int32Array | Float64Array,
  rows: Uint32Array,
  stride = 1,
) {
  const length = stride * rows.length;
  const out =
    values instanceof Uint32Array
      ? new Uint32Array(length)
      : values instanceof Int32Array
        ? new Int32Array(length)
        : values instanceof Uint8Array
          ? new Uint8Array(length)
          : new Float64Array(length);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < stride; k++) out[stride * i + k] = values[stride * rows[i]! + k]!;
  }
  return out;
}

const BITS = 11;
const BUCKETS = 1 << BITS;

/**
 * Sorts an order of rows by 32-bit numbers, keeping the order of equal ones (radix sort, 11 bits at a time): a million
 * comparisons through a callback take ten times as long.
 * @param numbers unsigned; of row i at numbers[i * stride + offset]
 * @param spare as long as `order`
 * @returns `order` or `spare`, whichever holds the result
 */
export function radixSort(
  order: Uint32Array,
  spare: Uint32Array,
  numbers: Uint32Array,
  stride = 1,
  offset = 0,
): { sorted: Uint32Array; spare: Uint32Array } {
  let from = order;
  let to = spare;
  const counts = new Uint32Array(BUCKETS);
  for (let shift = 0; shift < 32; shift += BITS) {
    counts.fill(0);
    for (let i = 0; i < from.length; i++) {
      counts[(numbers[from[i]! * stride + offset]! >>> shift) & (BUCKETS - 1)]!++;
    }
    // All in one bucket: these bits decide nothing.
    if (counts[(numbers[(from[0] ?? 0) * stride + offset]! >>> shift) & (BUCKETS - 1)] === from.length)
      continue;
    let at = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = counts[bucket]!;
      counts[bucket] = at;
      at += count;
    }
    for (let i = 0; i < from.length; i++) {
      const row = from[i]!;
      to[counts[(numbers[row * stride + offset]! >>> shift) & (BUCKETS - 1)]!++] = row;
    }
    [from, to] = [to, from];
  }
  return { sorted: from, spare: to };
}
