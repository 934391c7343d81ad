import { MetricError } from './errors.ts';
import type { Numbers } from './input.ts';

/** Rows of which chance treated some, and what was predicted of them. */
export interface UpliftRows {
  /** Expected difference that the treatment makes: the rows are ranked by it. */
  readonly predictions: Numbers;
  /** 1: treated, 0: control. */
  readonly treated: Numbers;
  readonly outcomes: Numbers;
}

/** What was found in one pass over the rows, best first; NaN where an arm has no rows. */
export interface UpliftMeasures {
  /** Mean outcome of the treated less that of the control. */
  readonly effect: number;
  readonly qini: number;
  readonly auuc: number;
  /** The effect in each tenth, and among the rows that are predicted to gain more than `least`. */
  readonly deciles: readonly number[];
  readonly chosen: number;
}

export const UPLIFT_DECILES = 10;

/** Sums of one arm. */
interface Arm {
  rows: number;
  sum: number;
}

/**
 * Rows sorted by their predictions once; a resample only changes how often each of them counts. With s for the share of rows that are
 * the best by their predictions, N and Y for the number and the sum of outcomes of the treated (t) and the control (c) among them:
 *
 * - Qini curve (Radcliffe 2007, "Using control groups to target on predicted lift"): Q(s) = (Y_t - Y_c N_t / N_c) / all treated,
 *   what treating the best gains, in outcomes a treated row; the last point is the effect. The coefficient is the area between it
 *   and the straight line to its end, which a random order follows.
 * - Uplift curve (Jaskowski & Jaroszewicz 2012): V(s) = s (Y_t / N_t - Y_c / N_c), what treating the best gains, in outcomes a row.
 *   AUUC is the area under it; a random order has half the effect.
 *
 * Rows of one prediction are taken together: both curves are straight between their ends. An arm of which no row is there yet
 * counts as 0 in Q, and V is 0 until both have one.
 */
export class RankedArms {
  /** Rows, best first; equal ones in their order. */
  readonly order: Int32Array;
  /** By place in `order`: the tenth, from 0. */
  readonly decileOf: Uint8Array;
  readonly #rows: UpliftRows;
  readonly #userOf: Int32Array;
  readonly #least: number;

  /**
   * @param userOf number of each row's user
   * @param least of the rows that are chosen: they are predicted to gain more
   * @throws MetricError when lengths differ, an arm is neither 0 nor 1, or a number is not finite
   */
  constructor(rows: UpliftRows, userOf: Int32Array, least: number) {
    checkUplift(rows);
    const n = rows.outcomes.length;
    const { predictions } = rows;
    this.#rows = rows;
    this.#userOf = userOf;
    this.#least = least;
    this.order = Int32Array.from({ length: n }, (_, row) => row).sort(
      (a, b) => predictions[b]! - predictions[a]! || a - b,
    );
    this.decileOf = Uint8Array.from(this.order, (_, place) => Math.floor((place * UPLIFT_DECILES) / n));
  }

  /**
   * @param times how often each user counts
   * @param see gets the points of the Qini curve: share of rows, and gain a treated row
   */
  measures(times: Int32Array, see: (share: number, gain: number) => void = () => {}): UpliftMeasures {
    const { predictions, treated, outcomes } = this.#rows;
    const none = (): [Arm, Arm] => [
      { rows: 0, sum: 0 },
      { rows: 0, sum: 0 },
    ];
    const all = none();
    const chosen = none();
    const tenths = Array.from({ length: UPLIFT_DECILES }, none);
    for (let place = 0; place < this.order.length; place++) {
      const row = this.order[place]!;
      const count = times[this.#userOf[row]!]!;
      if (count === 0) continue;
      const arm = treated[row]!;
      const sum = count * outcomes[row]!;
      const tenth = tenths[this.decileOf[place]!]!;
      all[arm]!.rows += count;
      all[arm]!.sum += sum;
      tenth[arm]!.rows += count;
      tenth[arm]!.sum += sum;
      if (!(predictions[row]! > this.#least)) continue;
      chosen[arm]!.rows += count;
      chosen[arm]!.sum += sum;
    }
    const effect = effectOf(all);
    return {
      effect,
      ...(Number.isNaN(effect) ? { qini: Number.NaN, auuc: Number.NaN } : this.#areas(times, all, see)),
      deciles: tenths.map(effectOf),
      chosen: effectOf(chosen),
    };
  }

  #areas(
    times: Int32Array,
    [control, treatment]: readonly [Arm, Arm],
    see: (share: number, gain: number) => void,
  ): { qini: number; auuc: number } {
    const { predictions, treated, outcomes } = this.#rows;
    const n = control.rows + treatment.rows;
    const end = (treatment.sum - (control.sum * treatment.rows) / control.rows) / treatment.rows;
    const rows = [0, 0];
    const sums = [0, 0];
    let [share, gain, value] = [0, 0, 0];
    let [qini, auuc] = [0, 0];
    see(0, 0);
    for (let place = 0; place < this.order.length; place++) {
      const row = this.order[place]!;
      const count = times[this.#userOf[row]!]!;
      const arm = treated[row]!;
      rows[arm]! += count;
      sums[arm]! += count * outcomes[row]!;
      const next = this.order[place + 1];
      if (next !== undefined && predictions[next] === predictions[row]) continue;
      const [c, t] = [rows[0]!, rows[1]!];
      const to = (c + t) / n;
      if (to === share) continue;
      const own = (sums[1]! - (c > 0 ? (sums[0]! * t) / c : 0)) / treatment.rows;
      const worth = c > 0 && t > 0 ? to * (sums[1]! / t - sums[0]! / c) : 0;
      qini += ((to - share) * (gain + own)) / 2;
      auuc += ((to - share) * (value + worth)) / 2;
      [share, gain, value] = [to, own, worth];
      see(share, gain);
    }
    return { qini: qini - end / 2, auuc };
  }
}

const effectOf = ([control, treated]: readonly [Arm, Arm]): number =>
  control.rows > 0 && treated.rows > 0 ? treated.sum / treated.rows - control.sum / control.rows : Number.NaN;

function checkUplift({ predictions, treated, outcomes }: UpliftRows): void {
  const n = outcomes.length;
  if (predictions.length !== n || treated.length !== n) {
    throw new MetricError(
      `there are ${n} outcomes, ${predictions.length} predictions and ${treated.length} arms: one of each for each row is expected`,
    );
  }
  for (let row = 0; row < n; row++) {
    const arm = treated[row];
    if (arm !== 0 && arm !== 1) {
      throw new MetricError(`row ${row} is of arm ${arm}: 1 for treated or 0 for control is expected`);
    }
    if (Number.isFinite(outcomes[row]) && Number.isFinite(predictions[row])) continue;
    throw new MetricError(
      `row ${row} has outcome ${outcomes[row]} and prediction ${predictions[row]}: finite numbers are expected`,
    );
  }
}
