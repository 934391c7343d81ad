import { createRng } from '../host/index.ts';
import { clipLikelihood, f1Of, ratesOf } from './binary.ts';
import { bootstrap } from './bootstrap.ts';
import { MetricError } from './errors.ts';
import type { Numbers } from './input.ts';
import { drawsFor, type Interval, intervalOf } from './intervals.ts';
import { predictedClasses } from './multiclass.ts';

/** How well a class, or a label, is told. */
export interface ClassMeasures {
  readonly name: string;
  /** Rows that have it, and rows that are said to. */
  readonly support: number;
  readonly predicted: number;
  /** Null where no row is said to have it. */
  readonly precision: number | null;
  /** Null where no row has it. */
  readonly recall: number | null;
  readonly f1: number;
}

/** Measures of a task with several classes, one of them a row's: plain JSON, null where a measure is not defined. */
export interface ClassAssessment {
  readonly n: number;
  /** Rows of a class that was not learnt: none of them is right. They do not count in the log loss. */
  readonly unknown: number;
  readonly accuracy: number | null;
  /** Share of rows whose class is among the three most probable. */
  readonly top3: number | null;
  /** Unweighted mean of each class's F1, over the classes that rows have or are said to have; as scikit-learn's. */
  readonly macroF1: number | null;
  /** Nats. */
  readonly logLoss: number | null;
  readonly intervals: { readonly accuracy: Interval; readonly macroF1: Interval; readonly logLoss: Interval };
  /** The same if every row were told the shares of the classes among the training rows. */
  readonly baseline: {
    readonly name: string;
    readonly accuracy: number | null;
    readonly macroF1: number | null;
    readonly logLoss: number | null;
  };
  /** By name, those that rows have or are said to have. */
  readonly classes: readonly ClassMeasures[];
  /** Rows by true and told class, those without rows left out. */
  readonly confusion: readonly { readonly truth: string; readonly told: string; readonly n: number }[];
}

export interface ToldClasses {
  /** Names, in the order of the probabilities. */
  readonly classes: readonly string[];
  /** Each row's class; it need not be among them. */
  readonly truth: readonly string[];
  /** (rows, classes), row-major. */
  readonly probabilities: Numbers;
  /** Shares of the classes among the training rows. */
  readonly shares: Numbers;
}

const TOP = 3;
/** Passes over the rows that a draw takes. */
const PASSES = 3;

/**
 * Assesses probabilities of classes. Intervals are over resampled rows, drawn by their order alone.
 * @throws MetricError when lengths differ or a probability is no number from 0 to 1
 */
export function assessClasses(told: ToldClasses): ClassAssessment {
  check(told);
  const { classes, truth, probabilities, shares } = told;
  const n = truth.length;
  const predicted = predictedClasses({ probabilities, classes: classes.length });
  const rows = new Told(classes, truth, predicted);
  const losses = lossesOf(rows.truth, probabilities, classes.length);
  const usual = predictedClasses({ probabilities: shares, classes: classes.length })[0]!;
  const base = new Told(classes, truth, new Int32Array(n).fill(usual));
  const all = Int32Array.from({ length: n }, (_, row) => row);
  const baseLosses = Float64Array.from(rows.truth, (k) =>
    k < classes.length ? -Math.log(clipLikelihood(shares[k]!)) : Number.NaN,
  );
  const [accuracy, macro, loss] = n === 0 ? [null, null, null] : intervalsOf(rows, losses);
  return {
    n,
    unknown: rows.truth.filter((k) => k >= classes.length).length,
    accuracy: orNull(rows.accuracy(all)),
    top3: orNull(topOf(rows.truth, probabilities, classes.length)),
    macroF1: orNull(rows.macroF1(all)),
    logLoss: orNull(meanOf(losses, all)),
    intervals: { accuracy: accuracy!, macroF1: macro!, logLoss: loss! },
    baseline: {
      name: classes[usual]!,
      accuracy: orNull(base.accuracy(all)),
      macroF1: orNull(base.macroF1(all)),
      logLoss: orNull(meanOf(baseLosses, all)),
    },
    classes: rows.measures(),
    confusion: rows.confusion(),
  };
}

function intervalsOf(rows: Told, losses: Float64Array): Interval[] {
  const n = losses.length;
  return bootstrap({
    n,
    samples: drawsFor(PASSES * n),
    rng: createRng('assessment'),
    measures: (drawn) => [rows.accuracy(drawn), rows.macroF1(drawn), meanOf(losses, drawn)],
  }).map(intervalOf);
}

/** Rows by number of their true and their told class; classes that were not learnt have the numbers behind. */
class Told {
  readonly truth: Int32Array;
  readonly #predicted: Int32Array;
  readonly #names: readonly string[];

  constructor(classes: readonly string[], truth: readonly string[], predicted: Int32Array) {
    const places = new Map(classes.map((name, k) => [name, k]));
    this.truth = Int32Array.from(truth, (name) => {
      const known = places.get(name) ?? places.size;
      places.set(name, known);
      return known;
    });
    this.#names = [...places.keys()];
    this.#predicted = predicted;
  }

  accuracy(rows: Int32Array): number {
    let right = 0;
    for (const row of rows) if (this.truth[row] === this.#predicted[row]) right++;
    return right / rows.length;
  }

  macroF1(rows: Int32Array): number {
    const { hits, support, predicted } = this.#counts(rows);
    let [sum, seen] = [0, 0];
    for (let k = 0; k < hits.length; k++) {
      if (support[k]! + predicted[k]! === 0) continue;
      sum += f1Of(hits[k]!, predicted[k]! - hits[k]!, support[k]! - hits[k]!);
      seen++;
    }
    return sum / seen;
  }

  measures(): ClassMeasures[] {
    const { hits, support, predicted } = this.#counts(Int32Array.from(this.truth.keys()));
    return this.#names
      .map((name, k) => ({
        name,
        support: support[k]!,
        predicted: predicted[k]!,
        ...ratesOf(hits[k]!, predicted[k]!, support[k]!),
      }))
      .filter(({ support, predicted }) => support + predicted > 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  confusion(): { truth: string; told: string; n: number }[] {
    const cells = new Map<string, { truth: string; told: string; n: number }>();
    this.truth.forEach((k, row) => {
      const at = `${k} ${this.#predicted[row]}`;
      const cell = cells.get(at) ?? {
        truth: this.#names[k]!,
        told: this.#names[this.#predicted[row]!]!,
        n: 0,
      };
      cell.n++;
      cells.set(at, cell);
    });
    const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
    return [...cells.values()].sort((a, b) => order(a.truth, b.truth) || order(a.told, b.told));
  }

  #counts(rows: Int32Array) {
    const [hits, support, predicted] = [0, 1, 2].map(() => new Int32Array(this.#names.length));
    for (const row of rows) {
      const [real, told] = [this.truth[row]!, this.#predicted[row]!];
      support![real]!++;
      predicted![told]!++;
      if (real === told) hits![real]!++;
    }
    return { hits: hits!, support: support!, predicted: predicted! };
  }
}

/** -ln of the probability of each row's class; NaN where it was not learnt. */
function lossesOf(truth: Int32Array, probabilities: Numbers, classes: number): Float64Array {
  return Float64Array.from(truth, (k, row) =>
    k < classes ? -Math.log(clipLikelihood(probabilities[row * classes + k]!)) : Number.NaN,
  );
}

/** Share of rows whose class is among the most probable; of equal ones the first count. */
function topOf(truth: Int32Array, probabilities: Numbers, classes: number): number {
  let hits = 0;
  truth.forEach((k, row) => {
    if (k >= classes) return;
    const own = probabilities[row * classes + k]!;
    let before = 0;
    for (let c = 0; c < classes; c++) {
      const other = probabilities[row * classes + c]!;
      if (other > own || (other === own && c < k)) before++;
    }
    if (before < TOP) hits++;
  });
  return hits / truth.length;
}

/** Over the rows that have one. */
function meanOf(values: ArrayLike<number>, rows: Int32Array): number {
  let [sum, count] = [0, 0];
  for (const row of rows) {
    if (Number.isNaN(values[row]!)) continue;
    sum += values[row]!;
    count++;
  }
  return sum / count;
}

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

function check({ classes, truth, probabilities, shares }: ToldClasses): void {
  if (
    classes.length < 2 ||
    probabilities.length !== truth.length * classes.length ||
    shares.length !== classes.length
  ) {
    throw new MetricError(
      `two classes or more, a share for each and a probability for each row and class are expected; given ${classes.length} ` +
        `classes, ${shares.length} shares, ${truth.length} rows and ${probabilities.length} probabilities`,
    );
  }
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    if (!(p >= 0 && p <= 1))
      throw new MetricError(`probability ${i} is ${p}; a number from 0 to 1 is expected`);
  }
}
