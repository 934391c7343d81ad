import type { Data } from 'apache-arrow';

/** Texts of all rows, as they lie in the file: row i holds the bytes from `offsets[i]` to `offsets[i + 1]`. */
export interface TextColumn {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  /** Is it a text, or null? */
  has(row: number): boolean;
}

/** A column of texts; without data it is empty. */
export function textColumn(data: Data | undefined, rows: number): TextColumn {
  if (!data || rows === 0) {
    return { bytes: new Uint8Array(0), offsets: new Int32Array(1), has: () => false };
  }
  const { values, valueOffsets, nullBitmap, nullCount } = data;
  const has =
    nullCount === 0 ? () => true : (row: number) => ((nullBitmap[row >> 3]! >> (row & 7)) & 1) === 1;
  return { bytes: values, offsets: valueOffsets, has };
}

/** The texts of a column. */
export function textsOf({ bytes, offsets, has }: TextColumn, rows: number): (string | null)[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: rows }, (_, row) =>
    has(row) ? all.toString('utf8', offsets[row]!, offsets[row + 1]!) : null,
  );
}
