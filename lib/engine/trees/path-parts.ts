import { endOf, type TreeModel } from './model.ts';

/** Changes of the mean score on the way to each leaf, by group of columns. */
export interface PathParts {
  /** Mean raw score of the training rows per output, by the trees' covers. */
  readonly expected: Float64Array;
  /** Of a leaf: what its way adds, by group. */
  of(leaf: number): ReadonlyMap<number, number>;
}

/**
 * Walks all trees once.
 * @param groupOf the group of each column
 */
export function pathParts(model: TreeModel, groupOf: readonly number[]): PathParts {
  const means = meanScores(model);
  const expected = Float64Array.from(model.base);
  const leaves = new Map<number, ReadonlyMap<number, number>>();
  model.roots.forEach((root, tree) => {
    expected[model.target[tree]!]! += means[root]!;
    const walk = (node: number, parts: ReadonlyMap<number, number>): void => {
      const column = model.feature[node]!;
      if (column < 0) {
        leaves.set(node, parts);
        return;
      }
      const group = groupOf[column]!;
      for (const child of [model.left[node]!, model.right[node]!]) {
        const change = means[child]! - means[node]!;
        walk(child, new Map(parts).set(group, (parts.get(group) ?? 0) + change));
      }
    };
    walk(root, new Map());
  });
  return { expected, of: (leaf) => leaves.get(leaf)! };
}

/** Per node, the mean of the leaves below it by their covers. Parents stand before their children. */
function meanScores(model: TreeModel): Float64Array {
  const means = new Float64Array(model.feature.length);
  for (let tree = model.roots.length - 1; tree >= 0; tree--) {
    for (let node = endOf(model, tree) - 1; node >= model.roots[tree]!; node--) {
      if (model.feature[node]! < 0) means[node] = model.value[node]!;
      else {
        const [left, right] = [model.left[node]!, model.right[node]!];
        const [a, b] = [model.cover[left]!, model.cover[right]!];
        means[node] = a + b > 0 ? (a * means[left]! + b * means[right]!) / (a + b) : 0;
      }
    }
  }
  return means;
}
