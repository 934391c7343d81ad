import { setImmediate } from 'node:timers/promises';
import { BinnedTable } from './binned.ts';
import { growDepthFirst } from './depth-first.ts';
import { Draws } from './draws.ts';
import { type FinishedTree, flatten, type TreeModel } from './model.ts';
import { type ForestOptions, forestOptions } from './options.ts';
import { Space } from './space.ts';
import { checkTable, type TreeTable } from './table.ts';
import { unitsOf } from './units.ts';

export interface ForestInput extends TreeTable {
  readonly options?: ForestOptions;
  /** A whole number; what is drawn depends on it alone. 0 */
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A forest of classification trees for labels 0 and 1, over the binned columns of boosting: a random forest (Breiman 2001;
 * each tree of a bootstrap of the rows) or extra trees (Geurts, Ernst & Wehenkel 2006). The probability of a row is the mean
 * over the trees of the share of label 1 in its leaf. The same rows, options and seed give the same bytes, on any number
 * of threads. Gives way to other work of the process between trees.
 * @throws TreeError when the table, the labels or an option is not what is expected; the signal's reason when it fires
 */
export async function fitForest(input: ForestInput): Promise<TreeModel> {
  const { rows, columns, labels, weights, seed = 0 } = input;
  const options = forestOptions(columns, input.options ?? {});
  checkTable(input, 'binary');
  const binned = new BinnedTable(input, undefined, options, seed);
  const active = options.columnsPerSplit;
  const space = new Space({
    rows,
    followers: 0,
    columns,
    active,
    slots: 1,
    scored: false,
    threads: options.threads,
  });
  try {
    binned.fillNumbers(space);
    binned.fillCategories(space, seed);
    const trees: FinishedTree[] = [];
    for (let index = 0; index < options.trees; index++) {
      await setImmediate();
      input.signal?.throwIfAborted();
      const counts = options.kind === 'random' ? bootstrap(rows, seed, index) : undefined;
      const weightOf = (row: number): number => (counts ? counts[row]! : 1) * (weights ? weights[row]! : 1);
      let drawn = 0;
      let heaviest = 0;
      for (let row = 0; row < rows; row++) {
        const weight = weightOf(row);
        if (weight === 0) continue;
        space.grown[drawn++] = row;
        heaviest = Math.max(heaviest, weight);
      }
      const units = unitsOf(heaviest, heaviest, rows);
      for (let i = 0; i < drawn; i++) {
        const row = space.grown[i]!;
        const weight = weightOf(row);
        space.pairs[2 * i] = Math.round((-weight * labels[row]!) / units.gradient);
        space.pairs[2 * i + 1] = Math.round(weight / units.hessian);
      }
      const { tree, leaves } = growDepthFirst(space, binned.edges, drawn, units, {
        ...{ kind: options.kind, columnsPerSplit: options.columnsPerSplit, seed, index },
        depth: options.maxDepth,
        minRows: options.minRowsInLeaf,
      });
      for (const { node, mean, weight } of leaves) {
        tree.value[node] = mean / options.trees;
        tree.cover[node] = weight;
      }
      tree.coverFromLeaves();
      trees.push({ tree, target: 0 });
    }
    const { encodings: categories } = binned;
    return flatten({ raw: 'probability', columns, outputs: 1, base: Float32Array.of(0), categories }, trees);
  } finally {
    await space.team.close();
  }
}

/** How often each row is among as many draws with repetition as there are rows. */
function bootstrap(rows: number, seed: number, tree: number): Uint16Array {
  const draws = new Draws(seed, 'bootstrap', tree);
  const counts = new Uint16Array(rows);
  for (let i = 0; i < rows; i++) counts[draws.below(rows, i)]!++;
  return counts;
}
