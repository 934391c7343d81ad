import type { CategoryEncoding } from './categories.ts';
import type { GrowingTree } from './tree.ts';

/** What the sum of a model's leaves is; a 'log value' is the logarithm of the mean to expect. */
export type RawScore = 'logit' | 'probability' | 'value' | 'log value' | 'class logits';

/**
 * Trees as flat arrays, node by node. A row goes left at a node if its value is missing and missing goes left there, or
 * if value <= threshold. Raw score of an output = its base + the values of the leaves that its trees lead to.
 */
export interface TreeModel {
  readonly raw: RawScore;
  readonly columns: number;
  /** Raw scores per row: 1, or one per class. */
  readonly outputs: number;
  /** Per output, float32 values. */
  readonly base: Float32Array;
  /** Encodings of the categorical columns: trees see encoded values. */
  readonly categories: readonly CategoryEncoding[];
  /** Per tree, its root; nodes of a tree stand together, parents before children. */
  readonly roots: Int32Array;
  /** Per tree, the output that it adds to. */
  readonly target: Int32Array;
  /** Per node, its column; -1 is a leaf. */
  readonly feature: Int32Array;
  /** Per node; Infinity splits missing from all others. */
  readonly threshold: Float32Array;
  /** Per node, 1 if missing values go left. */
  readonly missingLeft: Uint8Array;
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** Per node; of a leaf what it adds, 0 elsewhere. */
  readonly value: Float32Array;
  /** Per node, weight of the training rows that reached it. */
  readonly cover: Float64Array;
}

/** One grown tree with its leaves' values. */
export interface FinishedTree {
  readonly tree: GrowingTree;
  readonly target: number;
}

/** All trees behind one another in flat arrays. */
export function flatten(
  given: Pick<TreeModel, 'raw' | 'columns' | 'outputs' | 'base' | 'categories'>,
  trees: readonly FinishedTree[],
): TreeModel {
  const nodes = trees.reduce((sum, { tree }) => sum + tree.feature.length, 0);
  const model = {
    ...given,
    roots: new Int32Array(trees.length),
    target: Int32Array.from(trees, ({ target }) => target),
    feature: new Int32Array(nodes),
    threshold: new Float32Array(nodes),
    missingLeft: new Uint8Array(nodes),
    left: new Int32Array(nodes),
    right: new Int32Array(nodes),
    value: new Float32Array(nodes),
    cover: new Float64Array(nodes),
  };
  let start = 0;
  trees.forEach(({ tree }, i) => {
    model.roots[i] = start;
    const moved = (child: number): number => (child < 0 ? child : child + start);
    model.feature.set(tree.feature, start);
    model.threshold.set(tree.threshold, start);
    model.missingLeft.set(tree.missingLeft, start);
    model.left.set(tree.left.map(moved), start);
    model.right.set(tree.right.map(moved), start);
    model.value.set(tree.value, start);
    model.cover.set(tree.cover, start);
    start += tree.feature.length;
  });
  return model;
}

/** The node after the last of a tree. */
export function endOf(model: TreeModel, tree: number): number {
  return model.roots[tree + 1] ?? model.feature.length;
}
