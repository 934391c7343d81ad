import { setImmediate } from 'node:timers/promises';
import { BinnedTable } from './binned.ts';
import { Draws } from './draws.ts';
import { type GradientWriter, gradientWriter } from './gradients.ts';
import { type GrownLeaf, growLeafWise, type LeafWiseOptions } from './leaf-wise.ts';
import type { LeafRule, Loss } from './loss.ts';
import { lossOf } from './losses.ts';
import { type FinishedTree, flatten, type TreeModel } from './model.ts';
import { type BoostingOptions, boostingOptions, type Resolved } from './options.ts';
import { Space } from './space.ts';
import { checkTable, type TreeTable } from './table.ts';

export interface BoostingInput extends TreeTable {
  /** Rows that training stops by: their columns are those of the table. */
  readonly valid?: Omit<TreeTable, 'columns'> | undefined;
  readonly options?: BoostingOptions;
  /** A whole number; what is drawn depends on it alone. 0 */
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
}

/** How one seed's training went. */
export interface BoostingCurve {
  /** Rounds kept: the best by validation, or all. */
  readonly rounds: number;
  /** Mean validation loss after each round (nats; half the squared error; the pinball loss); empty without validation rows. */
  readonly losses: readonly number[];
}

export interface BoostingFit {
  readonly model: TreeModel;
  /** Per seed. */
  readonly curves: readonly BoostingCurve[];
}

/**
 * Gradient boosting of regression trees over histograms (Friedman 2001; second order as Chen & Guestrin 2016; leaf-wise
 * growth over binned columns as Ke et al. 2017; categorical columns by ordered target statistics, Prokhorenkova et al.
 * 2018). The same rows, options and seed give the same bytes, on any number of threads. With validation rows the rounds
 * after the best are dropped. Gives way to other work of the process between rounds.
 * @throws TreeError when the table, the labels or an option is not what is expected; the signal's reason when it fires
 */
export async function fitBoosting(input: BoostingInput): Promise<BoostingFit> {
  const { rows, columns, valid, seed = 0 } = input;
  const options = boostingOptions(columns, input.options ?? {});
  const loss = lossOf(options);
  checkTable(input, loss.labels);
  if (valid) checkTable({ ...valid, columns }, loss.labels, 'the validation table');
  const base = Float32Array.from(loss.base(input.labels, input.weights));
  const binned = new BinnedTable(input, valid?.values, options, seed);
  const active = Math.max(1, Math.round(options.columnSubsample * columns));
  const space = new Space({
    ...{ rows, columns, active },
    followers: valid?.rows ?? 0,
    slots: options.maxLeaves,
    scored: loss.gradients === 'kernel',
    threads: options.threads,
  });
  try {
    binned.fillNumbers(space);
    const runs: SeedRun[] = [];
    for (let i = 0; i < options.seeds; i++) {
      binned.fillCategories(space, seed + i);
      const run = new SeedRun(space, binned, loss, base, input, options, seed + i);
      await run.train();
      runs.push(run);
    }
    const trees = runs.flatMap((run) => run.kept());
    for (const { tree } of trees) {
      for (let node = 0; node < tree.value.length; node++) tree.value[node]! /= options.seeds;
    }
    const { encodings: categories } = binned;
    const model = flatten({ raw: loss.raw, columns, outputs: loss.outputs, base, categories }, trees);
    return { model, curves: runs.map((run) => run.curve()) };
  } finally {
    await space.team.close();
  }
}

/** The boosting rounds of one seed. */
class SeedRun {
  readonly #space: Space;
  readonly #binned: BinnedTable;
  readonly #loss: Loss;
  readonly #input: BoostingInput;
  readonly #options: Resolved<BoostingOptions>;
  readonly #growth: LeafWiseOptions;
  readonly #seed: number;
  readonly #writer: GradientWriter;
  /** Rows that count: all of a weight above 0. */
  readonly #counting: Int32Array;
  readonly #trees: FinishedTree[] = [];
  readonly #losses: number[] = [];
  #best = 0;

  constructor(
    space: Space,
    binned: BinnedTable,
    loss: Loss,
    base: Float32Array,
    input: BoostingInput,
    options: Resolved<BoostingOptions>,
    seed: number,
  ) {
    this.#space = space;
    this.#binned = binned;
    this.#loss = loss;
    this.#input = input;
    this.#options = options;
    this.#growth = {
      leaves: options.maxLeaves,
      depth: options.maxDepth,
      l2: options.l2,
      minRows: options.minRowsInLeaf,
      minWeight: options.minChildWeight,
      minGain: options.minGain,
      monotone: Int8Array.from(options.monotone),
    };
    this.#seed = seed;
    this.#writer = gradientWriter(space, loss, input, input.valid?.rows ?? 0, base);
    const { rows, weights } = input;
    const indices = Int32Array.from({ length: rows }, (_, row) => row);
    this.#counting = weights ? indices.filter((row) => weights[row]! > 0) : indices;
  }

  async train(): Promise<void> {
    const { valid, rows, signal } = this.#input;
    for (let round = 0; round < this.#options.trees; round++) {
      await setImmediate();
      signal?.throwIfAborted();
      this.#boost(round);
      if (!valid) continue;
      this.#losses.push(this.#loss.mean(valid.labels, valid.weights, this.#writer.scores, rows));
      if (this.#losses[round]! < this.#losses[this.#best]!) this.#best = round;
      if (round - this.#best >= this.#options.patience) break;
    }
  }

  curve(): BoostingCurve {
    return { rounds: this.#kept, losses: this.#losses };
  }

  kept(): FinishedTree[] {
    return this.#trees.slice(0, this.#kept * this.#loss.outputs);
  }

  get #kept(): number {
    return this.#input.valid ? this.#best + 1 : this.#options.trees;
  }

  #boost(round: number): void {
    const space = this.#space;
    const { grown, following } = this.#drawRows(round);
    const { scores } = this.#writer;
    this.#writer.begin(grown);
    scores.forEach((own, output) => {
      space.grown.set(grown);
      space.following.set(following);
      const { tree, leaves } = growLeafWise(
        space,
        this.#binned.edges,
        this.#drawColumns(round * scores.length + output),
        { grown: grown.length, following: following.length },
        this.#writer.write(output),
        this.#growth,
      );
      for (const leaf of leaves) {
        const weight = this.#loss.leaf ? this.#loss.leaf(this.#rowsOf(leaf, own)) : leaf.weight;
        const value = Math.fround(this.#options.learningRate * weight);
        tree.value[leaf.node] = value;
        addTo(own, space.grown, leaf.grown, value);
        addTo(own, space.following, leaf.following, value);
        tree.cover[leaf.node] = this.#weightOf(leaf.grown);
      }
      tree.coverFromLeaves();
      this.#trees.push({ tree, target: output });
    });
  }

  /** The rows that a round is grown from, and the others with those of validation. */
  #drawRows(round: number): { grown: Int32Array; following: Int32Array } {
    const { rows, valid } = this.#input;
    const after = Int32Array.from({ length: valid?.rows ?? 0 }, (_, i) => rows + i);
    if (this.#options.subsample === 1) return { grown: this.#counting, following: after };
    const draws = new Draws(this.#seed, 'rows', round);
    const isGrown = (row: number): boolean => draws.uniform(row) < this.#options.subsample;
    const grown = this.#counting.filter(isGrown);
    const rest = this.#counting.filter((row) => !isGrown(row));
    const following = new Int32Array(rest.length + after.length);
    following.set(rest);
    following.set(after, rest.length);
    return { grown, following };
  }

  #drawColumns(tree: number): Int32Array {
    const { columns } = this.#space;
    const count = Math.max(1, Math.round(this.#options.columnSubsample * columns));
    return new Draws(this.#seed, 'columns', tree).sample(columns, count);
  }

  #rowsOf({ grown: { start, count } }: GrownLeaf, scores: Float64Array): Parameters<LeafRule>[0] {
    const { labels, weights } = this.#input;
    return { labels, weights, scores, rows: this.#space.grown.subarray(start, start + count) };
  }

  #weightOf({ start, count }: { start: number; count: number }): number {
    const { weights } = this.#input;
    if (!weights) return count;
    let sum = 0;
    for (let i = start; i < start + count; i++) sum += weights[this.#space.grown[i]!]!;
    return sum;
  }
}

function addTo(
  scores: Float64Array,
  rows: Int32Array,
  { start, count }: { readonly start: number; readonly count: number },
  value: number,
): void {
  for (let i = start; i < start + count; i++) scores[rows[i]!]! += value;
}
