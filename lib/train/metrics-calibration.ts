import { ascending, checkProbabilities, evenSplit, type Numbers } from './metric-input.ts';

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  rows: number;
  lowest: number;
  highest: number;
  /** Mean predicted probability. */
  predicted: number;
  /** Share of positives. */
  observed: number;
}

/**
 * Bins of equal mass: probabilities in ascending order, equal ones in the order given, cut into parts as even as can
 * be, the longer first. Empty bins, with fewer rows than bins, are left out.
 */
export function reliabilityBins(labels: Numbers, probabilities: Numbers, bins = 10): ReliabilityBin[] {
  checkProbabilities(labels, probabilities);
  const order = ascending(probabilities);
  const found: ReliabilityBin[] = [];
  let start = 0;
  for (const rows of evenSplit(order.length, bins)) {
    if (rows === 0) break;
    const members = order.subarray(start, start + rows);
    found.push({
      rows,
      lowest: probabilities[members[0]!]!,
      highest: probabilities[members[rows - 1]!]!,
      predicted: members.reduce((sum, row) => sum + probabilities[row]!, 0) / rows,
      observed: members.reduce((sum, row) => sum + labels[row]!, 0) / rows,
    });
    start += rows;
  }
  return found;
}

/**
 * Expected calibration error: sum over the bins of |mean probability - share of positives| x rows / n (Naeini, Cooper,
 * Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015), over 10 bins of equal mass.
 */
export function ece(labels: Numbers, probabilities: Numbers, bins = 10): number {
  let sum = 0;
  for (const { rows, predicted, observed } of reliabilityBins(labels, probabilities, bins)) {
    sum += Math.abs(predicted - observed) * rows;
  }
  return sum / labels.length;
}
