/**
 * The probability from which on the second of two classes is told so that the expected macro F1 (the mean of both classes'
 * F1) is best, each row counted by its probability of being of the second class. Calibrated probabilities say more than so few
 * labels: the threshold of the best F1 on some thousand labels moves far from sample to sample (Lipton, Elkan, Naryanaswamy 2014,
 * "Optimal thresholding of classifiers to maximize F1 measure"). Half-way between two probabilities.
 * @param probabilities of the second class, calibrated
 */
export function bestThreshold(probabilities: ArrayLike<number>): number {
  const sorted = Float64Array.from(probabilities).sort();
  const positives = sorted.reduce((sum, p) => sum + p, 0);
  const negatives = sorted.length - positives;
  // all rows are told positive at first; then, one by one from the least probable, negative
  let [falsePositives, falseNegatives] = [negatives, 0];
  const macro = () => {
    const wrong = falsePositives + falseNegatives;
    const f1 = (right: number) => (right <= 0 ? 0 : (2 * right) / (2 * right + wrong));
    return (f1(positives - falseNegatives) + f1(negatives - falsePositives)) / 2;
  };
  let best = { f1: macro(), threshold: 0 };
  sorted.forEach((own, i) => {
    falseNegatives += own;
    falsePositives -= 1 - own;
    const next = sorted[i + 1] ?? 1;
    const f1 = macro();
    if (own !== next && f1 > best.f1) best = { f1, threshold: (own + next) / 2 };
  });
  return best.threshold;
}
