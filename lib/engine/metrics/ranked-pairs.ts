import { ascending, type Numbers } from './input.ts';

/** Measures of a resample of users. */
interface PairMeasures {
  readonly mae: number;
  /** NaN where all predictions or all true numbers are equal. */
  readonly spearman: number;
  /** NaN where the true total is not above 0. */
  readonly topShare: number;
}

/** Rows in ascending order of a number; rows of one number are a group. */
interface Ordering {
  readonly order: Int32Array;
  /** Where each group ends in it. */
  readonly ends: Int32Array;
}

/**
 * True numbers and predictions, sorted once: a resample only changes how often each row counts, so its ranks take two passes
 * and no sort.
 */
export class RankedPairs {
  readonly #userOf: Int32Array | undefined;
  readonly #share: number;
  readonly #truth: Ordering;
  readonly #predicted: Ordering;
  /** Of the row at a place of the predictions' order: the true number, and how far the prediction is from it. */
  readonly #trueNumber: Float64Array;
  readonly #error: Float64Array;
  /** Per row, its place in that order. */
  readonly #place: Int32Array;
  /** By that place, the rank of the true number in the resample, from its middle. */
  readonly #trueRank: Float64Array;

  /**
   * @param userOf per row, its user's number; a row each if left out
   * @param share of the rows with the highest predictions, for `topShare`
   */
  constructor(truth: Numbers, predictions: Numbers, userOf?: Int32Array, share = 0.1) {
    this.#userOf = userOf;
    this.#share = share;
    this.#truth = orderingOf(truth);
    this.#predicted = orderingOf(predictions);
    const { order } = this.#predicted;
    this.#trueNumber = Float64Array.from(order, (row) => truth[row]!);
    this.#error = Float64Array.from(order, (row) => Math.abs(predictions[row]! - truth[row]!));
    this.#place = new Int32Array(order.length);
    order.forEach((row, place) => void (this.#place[row] = place));
    this.#trueRank = new Float64Array(order.length);
  }

  /** @param times per user, how often it counts; all once if left out */
  measures(times?: ArrayLike<number>): PairMeasures {
    const weightOf = (row: number): number => (times ? times[this.#userOf ? this.#userOf[row]! : row]! : 1);
    let rows = 0;
    for (let row = 0; row < this.#place.length; row++) rows += weightOf(row);
    const middle = (rows + 1) / 2;
    const trueSquares = this.#rankTruth(weightOf, middle);
    const { order, ends } = this.#predicted;
    const below = rows - Math.ceil(this.#share * rows);
    let [seen, squares, products, errors, total, inside] = [0, 0, 0, 0, 0, 0];
    for (let group = 0, place = 0; group < ends.length; group++) {
      let [tied, ranks, own] = [0, 0, 0];
      for (; place < ends[group]!; place++) {
        const weight = weightOf(order[place]!);
        tied += weight;
        ranks += weight * this.#trueRank[place]!;
        own += weight * this.#trueNumber[place]!;
        errors += weight * this.#error[place]!;
      }
      if (tied === 0) continue;
      const rank = seen + (tied + 1) / 2 - middle;
      squares += tied * rank * rank;
      products += rank * ranks;
      total += own;
      seen += tied;
      inside += (own * Math.max(0, Math.min(tied, seen - below))) / tied;
    }
    return {
      mae: errors / rows,
      spearman:
        squares > 0 && trueSquares > 0
          ? products / (Math.sqrt(squares) * Math.sqrt(trueSquares))
          : Number.NaN,
      topShare: total > 0 ? inside / total : Number.NaN,
    };
  }

  /** Writes the ranks of the true numbers; the sum of their squares. */
  #rankTruth(weightOf: (row: number) => number, middle: number): number {
    const { order, ends } = this.#truth;
    let [seen, squares] = [0, 0];
    for (let group = 0, start = 0; group < ends.length; group++) {
      const end = ends[group]!;
      let tied = 0;
      for (let i = start; i < end; i++) tied += weightOf(order[i]!);
      const rank = seen + (tied + 1) / 2 - middle;
      for (let i = start; i < end; i++) this.#trueRank[this.#place[order[i]!]!] = rank;
      squares += tied * rank * rank;
      seen += tied;
      start = end;
    }
    return squares;
  }
}

function orderingOf(values: Numbers): Ordering {
  const order = ascending(values);
  const ends: number[] = [];
  for (let i = 1; i <= order.length; i++) {
    if (i === order.length || values[order[i]!] !== values[order[i - 1]!]) ends.push(i);
  }
  return { order, ends: Int32Array.from(ends) };
}
