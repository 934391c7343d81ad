import { createRng } from '../host/index.ts';
import type { ClassMeasures } from './assess-classes.ts';
import { auroc, clipLikelihood, f1Of, ratesOf } from './binary.ts';
import { bootstrap } from './bootstrap.ts';
import { MetricError } from './errors.ts';
import type { Numbers } from './input.ts';
import { drawsFor, type Interval, intervalOf } from './intervals.ts';

/** Measures of a task with any number of labels a row: plain JSON, null where a measure is not defined. */
export interface LabelsAssessment {
  readonly n: number;
  /** Labels a row in the mean, as they are and as they are told. */
  readonly meanTruth: number | null;
  readonly meanTold: number | null;
  /** F1 over all rows and labels together; as scikit-learn's. */
  readonly microF1: number | null;
  /** Unweighted mean of each label's F1; as scikit-learn's. */
  readonly macroF1: number | null;
  /** Mean over the labels that some rows have and others have not. */
  readonly auroc: number | null;
  /** Share of rows whose labels are told exactly. */
  readonly exact: number | null;
  /** Mean over rows and labels, nats. */
  readonly logLoss: number | null;
  readonly intervals: { readonly microF1: Interval; readonly macroF1: Interval; readonly logLoss: Interval };
  /** The same if every row were told the shares of the labels among the training rows. */
  readonly baseline: { readonly microF1: number | null; readonly logLoss: number | null };
  readonly labels: readonly (ClassMeasures & { readonly auroc: number | null })[];
}

export interface ToldLabels {
  readonly labels: readonly string[];
  /** (rows, labels), row-major: 1 where a row has the label. */
  readonly truth: Numbers;
  readonly probabilities: Numbers;
  /** Shares of training rows that have each label. */
  readonly shares: Numbers;
}

/** From this probability on a row is told to have a label. */
export const TOLD_FROM = 0.5;

/**
 * Assesses probabilities of labels, each by itself. Intervals are over resampled rows.
 * @throws MetricError when lengths differ, a truth is neither 0 nor 1, or a probability is no number from 0 to 1
 */
export function assessLabels(given: ToldLabels): LabelsAssessment {
  check(given);
  const { labels, truth, probabilities, shares } = given;
  const width = labels.length;
  const n = truth.length / width;
  const told = Uint8Array.from(probabilities, (p) => Number(p >= TOLD_FROM));
  const all = Int32Array.from({ length: n }, (_, row) => row);
  const rows = { truth, told, width };
  const losses = rowLosses(given, (i) => probabilities[i]!);
  const usual = Uint8Array.from({ length: n * width }, (_, i) => Number(shares[i % width]! >= TOLD_FROM));
  const plain = rowLosses(given, (i) => shares[i % width]!);
  const measured = (drawn: Int32Array) => {
    const counts = countsOf(rows, drawn);
    return [microF1(counts), macroF1(counts), meanOf(losses, drawn)] as const;
  };
  const intervals =
    n === 0
      ? [null, null, null]
      : bootstrap({
          n,
          samples: drawsFor(width * n),
          rng: createRng('assessment'),
          measures: measured,
        }).map(intervalOf);
  const [micro, macro, loss] = measured(all).map(orNull);
  const counts = countsOf(rows, all);
  const each = labels.map((name, k) => measuresOf(name, k, counts, given));
  const ranked = each.flatMap(({ auroc: own }) => own ?? []);
  const total = (values: Numbers) => sumOf(Array.from(values)) / n;
  return {
    n,
    meanTruth: orNull(total(truth)),
    meanTold: orNull(total(told)),
    ...{ microF1: micro!, macroF1: macro!, logLoss: loss! },
    auroc: orNull(sumOf(ranked) / ranked.length),
    exact: orNull(exactShare(rows, n)),
    intervals: { microF1: intervals[0]!, macroF1: intervals[1]!, logLoss: intervals[2]! },
    baseline: {
      microF1: n === 0 ? null : microF1(countsOf({ truth, told: usual, width }, all)),
      logLoss: orNull(meanOf(plain, all)),
    },
    labels: each,
  };
}

interface Rows {
  readonly truth: Numbers;
  readonly told: Uint8Array;
  readonly width: number;
}

interface Counts {
  readonly hits: Int32Array;
  readonly support: Int32Array;
  readonly predicted: Int32Array;
}

function countsOf({ truth, told, width }: Rows, drawn: Int32Array): Counts {
  const counts = {
    hits: new Int32Array(width),
    support: new Int32Array(width),
    predicted: new Int32Array(width),
  };
  for (const row of drawn) {
    for (let k = 0; k < width; k++) {
      const [real, said] = [truth[row * width + k]!, told[row * width + k]!];
      counts.support[k]! += real;
      counts.predicted[k]! += said;
      counts.hits[k]! += real * said;
    }
  }
  return counts;
}

function microF1({ hits, support, predicted }: Counts): number {
  const [right, real, said] = [hits, support, predicted].map((one) => sumOf(Array.from(one)));
  return f1Of(right!, said! - right!, real! - right!);
}

const macroF1 = ({ hits, support, predicted }: Counts): number =>
  sumOf(Array.from(hits, (hit, k) => f1Of(hit, predicted[k]! - hit, support[k]! - hit))) / hits.length;

function measuresOf(
  name: string,
  k: number,
  { hits, support, predicted }: Counts,
  { labels, truth, probabilities }: ToldLabels,
): LabelsAssessment['labels'][number] {
  const width = labels.length;
  const n = truth.length / width;
  const column = (values: Numbers) => Float64Array.from({ length: n }, (_, row) => values[row * width + k]!);
  const both = support[k]! > 0 && support[k]! < n;
  return {
    name,
    support: support[k]!,
    predicted: predicted[k]!,
    ...ratesOf(hits[k]!, predicted[k]!, support[k]!),
    auroc: both ? auroc(column(truth), column(probabilities)) : null,
  };
}

function exactShare({ truth, told, width }: Rows, n: number): number {
  let exact = 0;
  for (let row = 0; row < n; row++) {
    let same = true;
    for (let k = row * width; k < (row + 1) * width; k++) same &&= truth[k] === told[k];
    if (same) exact++;
  }
  return exact / n;
}

/** The mean over the labels of each row's log losses. */
function rowLosses({ labels, truth }: ToldLabels, said: (place: number) => number): Float64Array {
  const width = labels.length;
  const losses = new Float64Array(truth.length / width);
  for (let i = 0; i < truth.length; i++) {
    const p = truth[i] === 1 ? said(i) : 1 - said(i);
    losses[Math.floor(i / width)]! -= Math.log(clipLikelihood(p)) / width;
  }
  return losses;
}

function meanOf(values: Float64Array, rows: Int32Array): number {
  let sum = 0;
  for (const row of rows) sum += values[row]!;
  return sum / rows.length;
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

function check({ labels, truth, probabilities, shares }: ToldLabels): void {
  const rows = truth.length / labels.length;
  if (!Number.isInteger(rows) || probabilities.length !== truth.length || shares.length !== labels.length) {
    throw new MetricError(
      `a share for each label, and a truth and a probability for each row and label are expected; given ${labels.length} ` +
        `labels, ${shares.length} shares, ${truth.length} truths and ${probabilities.length} probabilities`,
    );
  }
  for (let i = 0; i < truth.length; i++) {
    const p = probabilities[i]!;
    if ((truth[i] === 0 || truth[i] === 1) && p >= 0 && p <= 1) continue;
    throw new MetricError(
      `place ${i} has the truth ${truth[i]} and the probability ${p}; 0 or 1, and a number from 0 to 1 are expected`,
    );
  }
}
