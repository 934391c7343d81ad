import { ascending, checkProbabilities, evenSplit, type Numbers } from './input.ts';

/** One bin of a reliability diagram. */
export interface ReliabilityBin {
  n: number;
  lowest: number;
  highest: number;
  /** Mean predicted probability. */
  meanProbability: number;
  /** Share of positives. */
  observedRate: number;
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
  for (const n of evenSplit(order.length, bins)) {
    if (n === 0) break;
    const members = order.subarray(start, start + n);
    found.push({
      n,
      lowest: probabilities[members[0]!]!,
      highest: probabilities[members[n - 1]!]!,
      meanProbability: members.reduce((sum, row) => sum + probabilities[row]!, 0) / n,
      observedRate: members.reduce((sum, row) => sum + labels[row]!, 0) / n,
    });
    start += n;
  }
  return found;
}

/**
 * Expected calibration error: sum over the bins of |mean probability - share of positives| x rows / n (Naeini, Cooper,
 * Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015), over 10 bins of equal mass.
 */
export function ece(labels: Numbers, probabilities: Numbers, bins = 10): number {
  let sum = 0;
  for (const { n, meanProbability, observedRate } of reliabilityBins(labels, probabilities, bins)) {
    sum += Math.abs(meanProbability - observedRate) * n;
  }
  return sum / labels.length;
}
