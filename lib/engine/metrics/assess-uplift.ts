import { createRng } from '../host/index.ts';
import { bootstrap } from './bootstrap.ts';
import type { Numbers } from './input.ts';
import { drawsFor, type Interval, intervalOf, numberUsers } from './intervals.ts';
import { RankedArms, UPLIFT_DECILES, type UpliftRows } from './uplift.ts';

/** Measures of predicted effects of a treatment: plain JSON, null where a measure is not defined. */
export interface UpliftAssessment {
  /** Rows: of the treated and of the control. */
  readonly n: number;
  readonly treated: number;
  readonly control: number;
  /** Mean outcome of either, and the mean of what was predicted. */
  readonly meanTreated: number | null;
  readonly meanControl: number | null;
  readonly meanPrediction: number | null;
  /** meanTreated - meanControl. */
  readonly effect: number | null;
  /** Area between the Qini curve and that of a random order, in outcomes a treated row. */
  readonly qini: number | null;
  /** Area under the uplift curve, in outcomes a row; that of a random order is half the effect. */
  readonly auuc: number | null;
  readonly intervals: { readonly effect: Interval; readonly qini: Interval; readonly auuc: Interval };
  /** Rows that are predicted to gain more than `least`, and what the treatment did to them. */
  readonly chosen: {
    readonly least: number;
    readonly n: number;
    readonly effect: number | null;
    readonly interval: Interval;
  };
  /** Tenths by prediction; 1 holds the highest. */
  readonly deciles: readonly {
    readonly decile: number;
    readonly n: number;
    readonly meanTreated: number | null;
    readonly meanControl: number | null;
    readonly meanPrediction: number;
    readonly effect: number | null;
    readonly interval: Interval;
  }[];
  /** The Qini curve at about a hundred points. */
  readonly curve: readonly (readonly [share: number, gain: number])[];
}

const POINTS = 100;
/** Passes over the rows that a draw takes. */
const PASSES = 10;

/**
 * Assesses predicted effects on rows that chance treated. Intervals are over resampled users, who are drawn by their order in
 * the rows: two models assessed on the same rows are measured on the same draws.
 * @param options.least the gain above which a row is chosen; default: 0
 * @param options.users whose row each is, as any number: rows of one user are resampled together. Default: a user a row.
 * @throws MetricError when lengths differ, an arm is neither 0 nor 1, or a number is not finite
 */
export function assessUplift(
  rows: UpliftRows,
  { least = 0, users }: { readonly least?: number; readonly users?: Numbers } = {},
): UpliftAssessment {
  const { predictions, treated, outcomes } = rows;
  const n = outcomes.length;
  const numbered = numberUsers(
    Int32Array.from({ length: n }, (_, row) => row),
    users,
  );
  const ranked = new RankedArms(rows, numbered.userOf, least);
  const curve: [number, number][] = [];
  const own = ranked.measures(new Int32Array(numbered.users).fill(1), (share, gain) =>
    curve.push([share, gain]),
  );
  const times = new Int32Array(numbered.users);
  const drawn =
    n === 0
      ? undefined
      : bootstrap({
          n: numbered.users,
          samples: drawsFor(PASSES * n),
          rng: createRng('assessment'),
          measures(some) {
            times.fill(0);
            for (let i = 0; i < some.length; i++) times[some[i]!]!++;
            const { effect, qini, auuc, chosen, deciles } = ranked.measures(times);
            return [effect, qini, auuc, chosen, ...deciles];
          },
        });
  const interval = (measure: number): Interval => (drawn ? intervalOf(drawn[measure]!) : null);
  const every = Array.from(ranked.order);
  const chosen = every.filter((row) => predictions[row]! > least);
  const sizes = armSizes(every, treated);
  return {
    n,
    ...sizes,
    meanTreated: meanOf(every, outcomes, (row) => treated[row] === 1),
    meanControl: meanOf(every, outcomes, (row) => treated[row] === 0),
    meanPrediction: meanOf(every, predictions),
    ...{ effect: finite(own.effect), qini: finite(own.qini), auuc: finite(own.auuc) },
    intervals: { effect: interval(0), qini: interval(1), auuc: interval(2) },
    chosen: { least, n: chosen.length, effect: finite(own.chosen), interval: interval(3) },
    deciles: Array.from({ length: UPLIFT_DECILES }, (_, decile) => {
      const some = every.filter((_, place) => ranked.decileOf[place] === decile);
      return {
        decile: decile + 1,
        n: some.length,
        meanTreated: meanOf(some, outcomes, (row) => treated[row] === 1),
        meanControl: meanOf(some, outcomes, (row) => treated[row] === 0),
        meanPrediction: meanOf(some, predictions) ?? 0,
        effect: finite(own.deciles[decile]!),
        interval: interval(4 + decile),
      };
    }).filter((one) => one.n > 0),
    curve: thinned(curve),
  };
}

function armSizes(rows: readonly number[], treated: Numbers): { treated: number; control: number } {
  const count = rows.filter((row) => treated[row] === 1).length;
  return { treated: count, control: rows.length - count };
}

function meanOf(
  rows: readonly number[],
  values: Numbers,
  counts: (row: number) => boolean = () => true,
): number | null {
  const some = rows.filter(counts);
  return some.length === 0 ? null : some.reduce((sum, row) => sum + values[row]!, 0) / some.length;
}

/** The points nearest behind each hundredth of the rows, and the ends. */
function thinned(curve: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  let next = 0;
  return curve.filter(([share], i) => {
    if (i < curve.length - 1 && share < next / POINTS - 1e-12) return false;
    next = Math.floor(share * POINTS) + 1;
    return true;
  });
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
