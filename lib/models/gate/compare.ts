import { createRng } from '../../engine/host/index.ts';
import { bootstrap, drawsFor, logLoss, weightedMeasures } from '../../engine/metrics/index.ts';

/** Rows whose outcome is known, and the chances that two versions gave them; none of the two had seen them. */
export interface PairedRows {
  /** 1 or 0. */
  readonly labels: readonly number[];
  readonly challenger: readonly number[];
  readonly champion: readonly number[];
}

/** A measure of both on the same rows, and how far apart they are: challenger less champion, with an interval. */
export interface Difference {
  readonly challenger: number;
  readonly champion: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

export interface PairedMeasures {
  readonly n: number;
  readonly positives: number;
  readonly logLoss: Difference;
  /** Null where all rows had one outcome. */
  readonly auroc: Difference | null;
  /** How far the mean chance is from the share of positives. */
  readonly level: Difference;
}

const MEASURES = 3;

/**
 * Measures two versions on the same rows, with intervals of their difference over resampled rows: both are measured on the
 * same resamples (paired percentile bootstrap; Efron & Tibshirani, "An introduction to the bootstrap", 1993, chapter 16). The
 * intervals of all measures and comparisons together hold 95 % (Bonferroni): with many groups, one is always worse by chance.
 * @param comparisons how many of them are made side by side
 */
export function comparePaired(rows: PairedRows, comparisons = 1): PairedMeasures {
  const { labels, challenger, champion } = rows;
  const n = labels.length;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const both = [sorted(labels, challenger), sorted(labels, champion)];
  const times = new Int32Array(n).fill(1);
  const [own, other] = both.map((one) => measuresOf(one, times));
  const differences = bootstrap({
    n,
    samples: drawsFor(2 * n),
    level: 1 - 0.05 / (MEASURES * comparisons),
    rng: createRng('gate'),
    measures(drawn) {
      times.fill(0);
      for (const row of drawn) times[row]!++;
      const [a, b] = both.map((one) => measuresOf(one, times));
      return a!.map((value, m) => value - b![m]!);
    },
  });
  const [loss, area, level] = differences.map(({ value, low, high }, m) => ({
    challenger: own![m]!,
    champion: other![m]!,
    ...{ difference: value, low, high },
  }));
  const mixed = positives > 0 && positives < n;
  return { n, positives, logLoss: loss!, auroc: mixed ? area! : null, level: level! };
}

interface Sorted {
  readonly label: Uint8Array;
  readonly score: Float64Array;
  readonly loss: Float64Array;
  readonly row: Int32Array;
}

function sorted(labels: readonly number[], scores: readonly number[]): Sorted {
  const row = Int32Array.from(labels.keys()).sort((a, b) => scores[b]! - scores[a]!);
  return {
    label: Uint8Array.from(row, (i) => labels[i]!),
    score: Float64Array.from(row, (i) => scores[i]!),
    loss: Float64Array.from(row, (i) => logLoss([labels[i]!], [scores[i]!])),
    row,
  };
}

function measuresOf({ label, score, loss, row }: Sorted, times: Int32Array): number[] {
  const [area, meanLoss] = weightedMeasures(label, score, loss, row, times);
  let [rows, said, happened] = [0, 0, 0];
  for (let i = 0; i < row.length; i++) {
    const weight = times[row[i]!]!;
    rows += weight;
    said += weight * score[i]!;
    happened += weight * label[i]!;
  }
  return [meanLoss, area, Math.abs(said - happened) / rows];
}
