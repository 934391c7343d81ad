import { createRng } from '../host/index.ts';
import type { LogisticTable } from './table.ts';

/** Rows that the first curvature is estimated from: its cost grows with the square of the columns, and steps mend the rest. */
const CURVATURE_ROWS = 512;

/**
 * The smooth part of the objective at a point of columns + 1 numbers, the weights and the intercept last:
 * sum of w_i x log loss_i / sum of w_i + l2 / 2 x the sum of squared weights.
 */
export class SmoothLoss {
  readonly #table: LogisticTable;
  readonly #l2: number;
  /** Rows that count; the last once more until there is a multiple of four. */
  readonly #counting: Int32Array;
  /** Weight of each of them, in all 1; of those once more 0. */
  readonly #shares: Float64Array;

  constructor(table: LogisticTable, l2: number) {
    const { rows, weights } = table;
    this.#table = table;
    this.#l2 = l2;
    const all = Int32Array.from({ length: rows }, (_, row) => row);
    const counting = weights ? all.filter((row) => weights[row]! > 0) : all;
    const sum = counting.reduce((total, row) => total + (weights ? weights[row]! : 1), 0);
    const length = 4 * Math.ceil(counting.length / 4);
    this.#counting = new Int32Array(length).fill(counting.at(-1)!);
    this.#counting.set(counting);
    this.#shares = new Float64Array(length);
    counting.forEach((row, i) => {
      this.#shares[i] = (weights ? weights[row]! : 1) / sum;
    });
  }

  /** Writes the gradient, and returns the loss. One pass over the rows. */
  evaluate(point: Float64Array, gradient: Float64Array): number {
    const { columns, values, labels } = this.#table;
    const logits = new Float64Array(4);
    let [loss, intercept] = [0, 0];
    gradient.fill(0);
    // four rows at a time: a weight is read, and a sum written, once for all of them
    for (let i = 0; i < this.#counting.length; i += 4) {
      this.#fourLogits(point, i, logits);
      for (let k = 0; k < 4; k++) {
        const [z, share, label] = [logits[k]!, this.#shares[i + k]!, labels[this.#counting[i + k]!]!];
        // softplus and sigmoid of host/numbers.ts, with one exponential for both
        const e = Math.exp(-Math.abs(z));
        loss += share * (Math.max(z, 0) + Math.log1p(e) - label * z);
        logits[k] = share * ((z >= 0 ? 1 : e) / (1 + e) - label);
        intercept += logits[k]!;
      }
      const [ra, rb, rc, rd] = [logits[0]!, logits[1]!, logits[2]!, logits[3]!];
      const [a, b, c, d] = this.#begin(i);
      for (let j = 0; j < columns; j++) {
        gradient[j]! +=
          ra * values[a + j]! + rb * values[b + j]! + (rc * values[c + j]! + rd * values[d + j]!);
      }
    }
    gradient[columns] = intercept;
    let squares = 0;
    for (let j = 0; j < columns; j++) {
      gradient[j]! += this.#l2 * point[j]!;
      squares += point[j]! ** 2;
    }
    return loss + (this.#l2 / 2) * squares;
  }

  /**
   * About the matrix of second derivatives, row-major and positive definite. It comes from some of the rows (Byrd et al.,
   * "On the use of stochastic Hessian information", 2011), and its diagonal is at least that of all rows: a column that
   * is rare may be flat in a sample, and a first step along it would be far too long.
   */
  curvature(point: Float64Array): Float64Array {
    const size = point.length;
    const columns = size - 1;
    const spreads = this.#spreads(point);
    const diagonal = this.#diagonal(spreads);
    const largest = diagonal.reduce((most, each) => Math.max(most, each), 0);
    const matrix = this.#sampled(spreads, columns);
    for (let j = 0; j < size; j++) {
      for (let k = 0; k < j; k++) matrix[k * size + j] = matrix[j * size + k]!;
      const at = j * size + j;
      // few rows make no full rank; a little more than nothing also serves a column of zeros
      matrix[at] = Math.max(matrix[at]!, diagonal[j]!) * (1 + 1e-6) + 1e-10 * largest;
      if (j < columns) matrix[at]! += this.#l2;
    }
    return matrix;
  }

  /** The lower triangle from rows that are drawn. */
  #sampled(spreads: Float64Array, columns: number): Float64Array {
    const size = columns + 1;
    const { values } = this.#table;
    const matrix = new Float64Array(size * size);
    const scaled = new Float64Array(size);
    const { positions, factor } = this.#sample();
    for (const i of positions) {
      const begin = this.#counting[i]! * columns;
      const spread = factor * spreads[i]!;
      for (let j = 0; j < columns; j++) scaled[j] = spread * values[begin + j]!;
      scaled[columns] = spread;
      for (let j = 0; j < size; j++) {
        const value = j < columns ? values[begin + j]! : 1;
        for (let k = 0; k <= j; k++) matrix[j * size + k]! += value * scaled[k]!;
      }
    }
    return matrix;
  }

  #diagonal(spreads: Float64Array): Float64Array {
    const { columns, values } = this.#table;
    const diagonal = new Float64Array(columns + 1);
    for (let i = 0; i < this.#counting.length; i++) {
      const begin = this.#counting[i]! * columns;
      const spread = spreads[i]!;
      for (let j = 0; j < columns; j++) {
        const value = values[begin + j]!;
        diagonal[j]! += spread * value * value;
      }
      diagonal[columns]! += spread;
    }
    return diagonal;
  }

  /** Share x p (1 - p) of each row that counts. */
  #spreads(point: Float64Array): Float64Array {
    const spreads = new Float64Array(this.#counting.length);
    const logits = new Float64Array(4);
    for (let i = 0; i < spreads.length; i += 4) {
      this.#fourLogits(point, i, logits);
      for (let k = 0; k < 4; k++) {
        const e = Math.exp(-Math.abs(logits[k]!));
        spreads[i + k] = (this.#shares[i + k]! * e) / (1 + e) ** 2;
      }
    }
    return spreads;
  }

  /** Positions to estimate from, and what a term of theirs is multiplied with to stand for all. */
  #sample(): { readonly positions: Int32Array; readonly factor: number } {
    const count = this.#counting.length;
    const all = Int32Array.from({ length: count }, (_, i) => i);
    if (count <= CURVATURE_ROWS) return { positions: all, factor: 1 };
    // drawn, as a fixed step through the rows may fall in with how they are ordered
    const rng = createRng(1).fork('curvature');
    const positions = Int32Array.from({ length: CURVATURE_ROWS }, () => rng.integer(count));
    return { positions, factor: count / CURVATURE_ROWS };
  }

  #fourLogits(point: Float64Array, i: number, logits: Float64Array): void {
    const { columns, values, offset } = this.#table;
    const [a, b, c, d] = this.#begin(i);
    const intercept = point[columns]!;
    let [za, zb, zc, zd] = [intercept, intercept, intercept, intercept];
    for (let j = 0; j < columns; j++) {
      const weight = point[j]!;
      za += weight * values[a + j]!;
      zb += weight * values[b + j]!;
      zc += weight * values[c + j]!;
      zd += weight * values[d + j]!;
    }
    logits[0] = za;
    logits[1] = zb;
    logits[2] = zc;
    logits[3] = zd;
    if (!offset) return;
    for (let k = 0; k < 4; k++) logits[k]! += offset[this.#counting[i + k]!]!;
  }

  /** Where the values of four rows begin. */
  #begin(i: number): [number, number, number, number] {
    const { columns } = this.#table;
    const rows = this.#counting;
    return [rows[i]! * columns, rows[i + 1]! * columns, rows[i + 2]! * columns, rows[i + 3]! * columns];
  }
}
