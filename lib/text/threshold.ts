/**
 * The probability from which on the second of two classes is told so that macro F1 is best (scikit-learn's: the mean of
 * both classes' F1); half-way between two probabilities, and of equals the one nearest to one half.
 */
export function bestThreshold(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  const order = Array.from({ length: labels.length }, (_, i) => i).sort(
    (a, b) => probabilities[a]! - probabilities[b]!,
  );
  let positives = 0;
  for (let i = 0; i < labels.length; i++) positives += labels[i]!;
  const negatives = labels.length - positives;
  // all rows are told positive at first; then, one by one from the least probable, negative
  let [falsePositives, falseNegatives] = [negatives, 0];
  const macro = () => {
    const [tp, tn] = [positives - falseNegatives, negatives - falsePositives];
    const wrong = falsePositives + falseNegatives;
    const f1 = (right: number) => (right === 0 ? 0 : (2 * right) / (2 * right + wrong));
    return (f1(tp) + f1(tn)) / 2;
  };
  let best = { f1: macro(), threshold: 0 };
  order.forEach((row, i) => {
    if (labels[row] === 1) falseNegatives++;
    else falsePositives--;
    const [own, next] = [probabilities[row]!, i + 1 < order.length ? probabilities[order[i + 1]!]! : 1];
    if (own === next) return;
    const threshold = (own + next) / 2;
    const f1 = macro();
    const nearer = Math.abs(threshold - 0.5) < Math.abs(best.threshold - 0.5);
    if (f1 > best.f1 || (f1 === best.f1 && nearer)) best = { f1, threshold };
  });
  return best.threshold;
}
