import { lengthOf, type TokenizedTexts } from './tokenizer.ts';

/** Texts of about one length, to be computed at one shape. */
export interface LengthBucket {
  /** Columns: every text of the bucket fits. */
  readonly length: number;
  /** Rows of the texts, ascending. */
  readonly rows: Int32Array;
}

/**
 * Texts by length, shortest first. Lengths are rounded up so that padding stays below a quarter; a bucket with fewer
 * than `least` texts goes into the next longer one, since each costs a compilation.
 * @param maxLength columns of the last bucket at the most
 */
export function textBuckets(texts: TokenizedTexts, maxLength: number, least = 1): LengthBucket[] {
  const byLength = new Map<number, number[]>();
  for (let row = 0; row + 1 < texts.offsets.length; row++) {
    const length = Math.min(maxLength, roundedLength(lengthOf(texts, row)));
    const rows = byLength.get(length);
    if (rows) rows.push(row);
    else byLength.set(length, [row]);
  }
  const buckets: LengthBucket[] = [];
  let carried: number[] = [];
  const lengths = [...byLength.keys()].sort((a, b) => a - b);
  lengths.forEach((length, i) => {
    const rows = carried.concat(byLength.get(length)!);
    if (rows.length < least && i + 1 < lengths.length) {
      carried = rows;
      return;
    }
    carried = [];
    buckets.push({ length, rows: Int32Array.from(rows).sort() });
  });
  return buckets;
}

/** The next of 8, 12, 16, 24, 32, 48, 64, 96, … */
export function roundedLength(length: number): number {
  let size = 8;
  while (size < length) {
    if (size * 1.5 >= length) return size * 1.5;
    size *= 2;
  }
  return size;
}
