import { expectedPositives } from './binary.ts';
import { ascending, checkBinary, countPositives, evenSplit, groupsByScore, type Numbers } from './input.ts';

export interface RocCurve {
  fpr: number[];
  tpr: number[];
  /** Score from which rows count as positive; the first is Infinity, at the point (0, 0). */
  thresholds: number[];
}

/**
 * Points of the ROC curve, corners only: points inside a straight stretch are left out (Fawcett 2006, algorithm 1).
 * Equals scikit-learn's roc_curve.
 * @returns fpr or tpr of NaN when that class is missing
 */
export function rocCurve(labels: Numbers, scores: Numbers): RocCurve {
  checkBinary(labels, scores);
  const positives = countPositives(labels);
  const negatives = labels.length - positives;
  const corners = groupsByScore(labels, scores).filter(({ rows, positives: up }, i, groups) => {
    const next = groups[i + 1];
    // a corner is where the next group adds another mix than this one
    return i === 0 || !next || next.positives !== up || next.rows - next.positives !== rows - up;
  });
  const counts = cumulative(labels, scores);
  const curve: RocCurve = {
    fpr: [0 / negatives],
    tpr: [0 / positives],
    thresholds: [Number.POSITIVE_INFINITY],
  };
  for (const { score } of corners) {
    const { rows, found } = counts.get(score)!;
    curve.fpr.push((rows - found) / negatives);
    curve.tpr.push(found / positives);
    curve.thresholds.push(score);
  }
  return curve;
}

export interface PrecisionRecallCurve {
  precision: number[];
  recall: number[];
  /** Ascending; one fewer than points: the last point (1, 0) belongs to no threshold. */
  thresholds: number[];
}

/**
 * Precision and recall at each distinct score, ascending, closed by precision 1 at recall 0 (Davis & Goadrich 2006).
 * Equals scikit-learn's precision_recall_curve.
 * @returns recall of NaN when there is no positive
 */
export function prCurve(labels: Numbers, scores: Numbers): PrecisionRecallCurve {
  checkBinary(labels, scores);
  const positives = countPositives(labels);
  const points = [...cumulative(labels, scores)].reverse();
  return {
    precision: [...points.map(([, { rows, found }]) => found / rows), 1],
    recall: [...points.map(([, { found }]) => found / positives), 0],
    thresholds: points.map(([score]) => score),
  };
}

/** Rows and positives from each distinct score upwards, highest score first. */
function cumulative(labels: Numbers, scores: Numbers): Map<number, { rows: number; found: number }> {
  const counts = new Map<number, { rows: number; found: number }>();
  let rows = 0;
  let found = 0;
  for (const group of groupsByScore(labels, scores)) {
    rows += group.rows;
    found += group.positives;
    counts.set(group.score, { rows, found });
  }
  return counts;
}

/** One group of the gain table; with ten groups, a decile. */
export interface GainRow {
  /** 1 holds the highest scores. */
  decile: number;
  n: number;
  /** Expected number, as ties across a border are shared. */
  positives: number;
  /** positives / n. */
  rate: number;
  meanScore: number;
  /** rate over the base rate; NaN, as the two below, when there is no positive. */
  lift: number;
  /** Share of all positives in this group and those above it. */
  cumulativeGain: number;
  /** Lift of this group and those above it taken together. */
  cumulativeLift: number;
}

/**
 * Gain and lift by group of the ranking, deciles by default, sizes as even as can be (Ling & Li 1998).
 * Groups that get no row, with fewer rows than groups, are left out.
 */
export function gainTable(labels: Numbers, scores: Numbers, groups = 10): GainRow[] {
  checkBinary(labels, scores);
  const rows = labels.length;
  const total = countPositives(labels);
  const sizes = evenSplit(rows, groups).filter((size) => size > 0);
  const ends = sizes.map((_, i) => sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0));
  const found = expectedPositives(labels, scores, ends);
  const order = ascending(scores).reverse();
  return sizes.map((n, i) => {
    const end = ends[i]!;
    const positives = found[i]! - (found[i - 1] ?? 0);
    const sum = order.subarray(end - n, end).reduce((scoreSum, row) => scoreSum + scores[row]!, 0);
    return {
      decile: i + 1,
      n,
      positives,
      rate: positives / n,
      meanScore: sum / n,
      lift: positives / n / (total / rows),
      cumulativeGain: found[i]! / total,
      cumulativeLift: found[i]! / end / (total / rows),
    };
  });
}
