import { createRng } from '../host/index.ts';
import {
  auroc,
  averagePrecision,
  brier,
  clipLikelihood,
  expectedPositives,
  lift,
  logLoss,
} from './binary.ts';
import { bootstrap } from './bootstrap.ts';
import { gainTable } from './curves.ts';
import { ascending, countPositives, type Numbers } from './input.ts';
import { drawsFor, type Interval, intervalOf, numberUsers } from './intervals.ts';
import { ndcgOf, recallOf } from './ranking.ts';
import { ece, reliabilityBins } from './reliability.ts';

/**
 * How good predictions are, as a model's manifest and a report keep it: plain JSON, where null says "not defined", such
 * as the AUROC of rows that all had one outcome.
 */

/** What is found among the rows with the highest scores. */
export interface ReachRow {
  /** Share of all rows, from the highest score down. */
  readonly share: number;
  /** Rows of that share, rounded up. */
  readonly n: number;
  /** Positives among them; rows that tie at the edge are shared. */
  readonly positives: number;
}

/** Shares of a list that a reader may choose from. */
export const REACH_SHARES = [0.01, 0.05, 0.1, 0.2, 0.3, 0.5] as const;

/** Measures of one yes-or-no task; docs/metrics.md has the formulas. */
export interface BinaryAssessment {
  readonly n: number;
  readonly positives: number;
  readonly auroc: number | null;
  readonly auprc: number | null;
  readonly logLoss: number | null;
  readonly brier: number | null;
  readonly ece: number | null;
  readonly lift10: number | null;
  readonly intervals: { readonly auroc: Interval; readonly logLoss: Interval; readonly lift10: Interval };
  readonly reach: readonly ReachRow[];
  readonly deciles: readonly {
    readonly decile: number;
    readonly n: number;
    readonly positives: number;
    readonly rate: number;
    readonly lift: number;
    readonly cumulativeGain: number;
  }[];
  readonly reliability: readonly {
    readonly meanProbability: number;
    readonly observedRate: number;
    readonly n: number;
  }[];
}

/** Measures of one list task: means over users. */
export interface ListAssessment {
  readonly n: number;
  readonly k: number;
  readonly recall: number | null;
  readonly ndcg: number | null;
  readonly intervals: { readonly recall: Interval; readonly ndcg: Interval };
}

/**
 * What a model did on data that its fit was kept from. It was chosen by that data, too: figures of a validation, not of
 * a test.
 */
export interface Validation<A = BinaryAssessment | ListAssessment> {
  /** Held out: rows (a user at a day) of later days, of a part of the users, or of a labelled table. */
  readonly by: 'day' | 'users' | 'rows';
  /** First and last day as of which users were scored, 'YYYY-MM-DD'; null where no day was held out. */
  readonly days: readonly [first: string, last: string] | null;
  readonly assessment: A;
}

const TOP = 0.1;

/**
 * Assesses predictions of a yes-or-no task.
 * @param labels 0 or 1
 * @param users whose row each is, as any number: rows of one user are resampled together. Default: a user a row.
 */
export function assessBinary(labels: Numbers, probabilities: Numbers, users?: Numbers): BinaryAssessment {
  const n = labels.length;
  const positives = countPositives(labels);
  const both = positives > 0 && positives < n;
  const shares = REACH_SHARES.map((share) => ({ share, n: Math.ceil(share * n) }));
  const found =
    n > 0
      ? expectedPositives(
          labels,
          probabilities,
          shares.map((row) => row.n),
        )
      : [];
  return {
    n,
    positives,
    auroc: both ? auroc(labels, probabilities) : null,
    auprc: both ? averagePrecision(labels, probabilities) : null,
    logLoss: n > 0 ? logLoss(labels, probabilities) : null,
    brier: n > 0 ? brier(labels, probabilities) : null,
    ece: n > 0 ? ece(labels, probabilities) : null,
    lift10: both ? lift(labels, probabilities, TOP) : null,
    intervals: both
      ? binaryIntervals(labels, probabilities, users)
      : { auroc: null, logLoss: null, lift10: null },
    reach: n > 0 ? shares.map((row, i) => ({ ...row, positives: found[i]! })) : [],
    deciles: both
      ? gainTable(labels, probabilities, 10).map(
          ({ decile, n: rows, positives: hits, rate, lift: times, cumulativeGain }) => ({
            decile,
            n: rows,
            positives: hits,
            rate,
            lift: times,
            cumulativeGain,
          }),
        )
      : [],
    reliability:
      n > 0
        ? reliabilityBins(labels, probabilities, 10).map(({ meanProbability, observedRate, n: rows }) => ({
            meanProbability,
            observedRate,
            n: rows,
          }))
        : [],
  };
}

/** Rows are sorted once; a resample only changes how often each of them counts. */
function binaryIntervals(
  labels: Numbers,
  probabilities: Numbers,
  users: Numbers | undefined,
): BinaryAssessment['intervals'] {
  const order = ascending(probabilities).reverse();
  const { userOf, users: different } = numberUsers(order, users);
  const label = Uint8Array.from(order, (row) => labels[row]!);
  const score = Float64Array.from(order, (row) => probabilities[row]!);
  const loss = Float64Array.from(
    order,
    (row) => -Math.log(clipLikelihood(labels[row] === 1 ? probabilities[row]! : 1 - probabilities[row]!)),
  );
  const times = new Int32Array(different);
  const [area, loss95, lift10] = bootstrap({
    n: different,
    samples: drawsFor(order.length),
    rng: createRng('assessment'),
    measures(drawn) {
      times.fill(0);
      for (let i = 0; i < drawn.length; i++) times[drawn[i]!]!++;
      return weightedMeasures(label, score, loss, userOf, times);
    },
  });
  return { auroc: intervalOf(area!), logLoss: intervalOf(loss95!), lift10: intervalOf(lift10!) };
}

/**
 * AUROC, log loss and lift in the top tenth of rows that are sorted by descending score, of which each counts as often as its user.
 * @param loss per row
 * @param userOf per row the number of its user
 * @param times per user
 */
export function weightedMeasures(
  label: Uint8Array,
  score: Float64Array,
  loss: Float64Array,
  userOf: Int32Array,
  times: Int32Array,
): [auroc: number, logLoss: number, lift10: number] {
  let rows = 0;
  let positives = 0;
  let sum = 0;
  for (let i = 0; i < label.length; i++) {
    const weight = times[userOf[i]!]!;
    rows += weight;
    if (label[i] === 1) positives += weight;
    sum += weight * loss[i]!;
  }
  const top = Math.ceil(TOP * rows);
  let [won, above, seen, inside] = [0, 0, 0, 0];
  for (let i = 0; i < label.length; ) {
    let [tied, up] = [0, 0];
    const at = score[i]!;
    for (; i < label.length && score[i] === at; i++) {
      const weight = times[userOf[i]!]!;
      tied += weight;
      if (label[i] === 1) up += weight;
    }
    if (tied === 0) continue;
    won += (tied - up) * (above + up / 2);
    above += up;
    inside += (up * Math.max(0, Math.min(tied, top - seen))) / tied;
    seen += tied;
  }
  return [won / (positives * (rows - positives)), sum / rows, inside / top / (positives / rows)];
}

/**
 * Assesses lists of one length against what users then took.
 * @param truth per user, each with at least one
 */
export function assessLists(
  truth: readonly ReadonlySet<string>[],
  lists: readonly (readonly string[])[],
  k: number,
): ListAssessment {
  const n = truth.length;
  if (n === 0) return { n, k, recall: null, ndcg: null, intervals: { recall: null, ndcg: null } };
  const recalls = Float64Array.from(truth, (items, user) => recallOf(items, lists[user]!, k));
  const ndcgs = Float64Array.from(truth, (items, user) => ndcgOf(items, lists[user]!, k));
  const mean = (values: Float64Array, users: Int32Array) => {
    let sum = 0;
    for (let i = 0; i < users.length; i++) sum += values[users[i]!]!;
    return sum / users.length;
  };
  const [recall, ndcg] = bootstrap({
    n,
    samples: drawsFor(n),
    rng: createRng('assessment'),
    measures: (users) => [mean(recalls, users), mean(ndcgs, users)],
  });
  return {
    n,
    k,
    recall: recall!.value,
    ndcg: ndcg!.value,
    intervals: { recall: intervalOf(recall!), ndcg: intervalOf(ndcg!) },
  };
}
