/** The softmax of each row's scores. @param scores (rows, classes) */
export function chancesOf(scores: ArrayLike<number>, classes: number): Float64Array {
  const chances = new Float64Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = from; k < from + classes; k++) most = Math.max(most, scores[k]!);
    let sum = 0;
    for (let k = from; k < from + classes; k++) {
      chances[k] = Math.exp(scores[k]! - most);
      sum += chances[k]!;
    }
    for (let k = from; k < from + classes; k++) chances[k]! /= sum;
  }
  return chances;
}
