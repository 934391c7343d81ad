import { type Feeds, float32, int32 } from '../../../../engine/host/index.ts';
import { TEXT_FIELDS, TEXT_VECTORS, type TextShape } from './read.ts';

/** Recent texts of rows, and the vectors that they name. */
export interface TextData {
  /** (count, places, TEXT_FIELDS); numbers of texts count rows of `vectors`. */
  readonly texts: Int32Array;
  /** (texts, vector). */
  readonly vectors: Float32Array;
}

/**
 * A batch's texts and the vectors of its distinct ones, each once, in the order in which they are named.
 * @param texts (batch, places, TEXT_FIELDS), with numbers of `vectors`
 * @param size rows of the batch's own table, filled up with zeros; default: as many as it needs
 */
export function textFeeds(
  { places, vector }: TextShape,
  texts: Int32Array,
  vectors: Float32Array,
  size?: number,
): Feeds {
  const { own, distinct } = renumbered(texts);
  const rows = size ?? Math.max(1, distinct.length);
  const table = new Float32Array(rows * vector);
  distinct.forEach((number, i) => {
    table.set(vectors.subarray(number * vector, (number + 1) * vector), i * vector);
  });
  const batch = texts.length / (places * TEXT_FIELDS);
  return {
    texts: int32(own, [batch, places, TEXT_FIELDS]),
    [TEXT_VECTORS]: float32(table, [rows, vector]),
  };
}

/** The same texts with numbers of the batch's own, and the number of each of these. */
export function renumbered(texts: Int32Array): { own: Int32Array; distinct: number[] } {
  const own = Int32Array.from(texts);
  const distinct: number[] = [];
  const places = new Map<number, number>();
  for (let at = 0; at < own.length; at += TEXT_FIELDS) {
    const number = own[at]! - 1;
    if (number < 0) continue;
    let place = places.get(number);
    if (place === undefined) places.set(number, (place = distinct.push(number) - 1));
    own[at] = place + 1;
  }
  return { own, distinct };
}

/** Rows of some users' texts, one behind the other. */
export function pickTexts({ places }: TextShape, texts: Int32Array, rows: ArrayLike<number>): Int32Array {
  const stride = places * TEXT_FIELDS;
  const out = new Int32Array(rows.length * stride);
  for (let i = 0; i < rows.length; i++) {
    out.set(texts.subarray(rows[i]! * stride, (rows[i]! + 1) * stride), i * stride);
  }
  return out;
}

/** Mean and deviation of every coordinate over the vectors, for `TextShape`. */
export function vectorStatistics(
  vectors: Float32Array,
  vector: number,
): { mean: number[]; deviation: number[] } {
  const rows = vectors.length / vector;
  const mean = new Array<number>(vector).fill(0);
  const deviation = new Array<number>(vector).fill(0);
  for (let i = 0; i < vectors.length; i++) mean[i % vector]! += vectors[i]! / rows;
  for (let i = 0; i < vectors.length; i++) {
    deviation[i % vector]! += (vectors[i]! - mean[i % vector]!) ** 2 / rows;
  }
  return { mean, deviation: deviation.map((square) => (square < 1e-12 ? 0 : Math.sqrt(square))) };
}
