import type { GradientRule, Loss } from './loss.ts';
import { type Space, TASK_ROWS, type Units } from './space.ts';
import type { TreeTable } from './table.ts';
import { unitsOf } from './units.ts';

/** The raw scores of a training run and what the loss says of them. */
export interface GradientWriter {
  /** Per output, a score for each row and follower. */
  readonly scores: readonly Float64Array[];
  /** Begins a round for these rows: all outputs' gradients are taken at the scores as they are now. */
  begin(rows: Int32Array): void;
  /** Writes an output's pairs into the space, whose `grown` begins with the round's rows; their units. */
  write(output: number): Units;
}

/** Scores of a loss, all at the base. */
export function gradientWriter(
  space: Space,
  loss: Loss,
  table: TreeTable,
  followers: number,
  base: Float32Array,
): GradientWriter {
  return loss.gradients === 'kernel'
    ? new KernelWriter(space, loss, table, base)
    : new PlainWriter(space, loss, loss.gradients, table, followers, base);
}

function heaviest({ weights }: TreeTable, rows: Int32Array): number {
  return weights ? rows.reduce((most, row) => Math.max(most, weights[row]!), 0) : 1;
}

/** The logistic loss, by a kernel on all threads. */
class KernelWriter implements GradientWriter {
  readonly scores: readonly Float64Array[];
  readonly #space: Space;
  readonly #loss: Loss;
  readonly #table: TreeTable;
  #count = 0;
  #heaviest = 1;

  constructor(space: Space, loss: Loss, table: TreeTable, base: Float32Array) {
    this.#space = space;
    this.#loss = loss;
    this.#table = table;
    this.scores = [space.scores.fill(base[0]!)];
    space.labels.set(table.labels);
    if (table.weights) space.weights.set(table.weights);
    else space.weights.fill(1);
  }

  begin(rows: Int32Array): void {
    this.#count = rows.length;
    this.#heaviest = heaviest(this.#table, rows);
  }

  write(): Units {
    const { team, at, perUnit } = this.#space;
    const { gradientBound = 1, hessianBound = 1 } = this.#loss;
    const units = unitsOf(gradientBound * this.#heaviest, hessianBound * this.#heaviest, this.#count);
    perUnit.set([1 / units.gradient, 1 / units.hessian]);
    for (let first = 0; first < this.#count; first += TASK_ROWS) {
      const rows = at.grown + 4 * first;
      const end = rows + 4 * Math.min(TASK_ROWS, this.#count - first);
      team.task();
      team.call(
        'logistic',
        ...[rows, end, at.scores, at.labels, at.weights, at.pairs + 8 * first, at.perUnit],
      );
    }
    team.run(this.#count <= TASK_ROWS);
    return units;
  }
}

/** Any other loss. */
class PlainWriter implements GradientWriter {
  readonly scores: readonly Float64Array[];
  readonly #space: Space;
  readonly #loss: Loss;
  readonly #rule: GradientRule;
  readonly #table: TreeTable;
  readonly #gradients: Float64Array;
  readonly #hessians: Float64Array;
  /** Per output. */
  readonly #pairs: readonly Int32Array[];
  #units: Units[] = [];

  constructor(
    space: Space,
    loss: Loss,
    rule: GradientRule,
    table: TreeTable,
    followers: number,
    base: Float32Array,
  ) {
    this.#space = space;
    this.#loss = loss;
    this.#rule = rule;
    this.#table = table;
    this.scores = Array.from(base, (value) => new Float64Array(table.rows + followers).fill(value));
    this.#gradients = new Float64Array(table.rows);
    this.#hessians = new Float64Array(table.rows);
    this.#pairs = this.scores.map(() => new Int32Array(2 * table.rows));
  }

  begin(rows: Int32Array): void {
    this.#units = this.#pairs.map((pairs, output) => this.#fill(output, rows, pairs));
  }

  write(output: number): Units {
    this.#space.pairs.set(this.#pairs[output]!);
    return this.#units[output]!;
  }

  #fill(output: number, rows: Int32Array, pairs: Int32Array): Units {
    const { labels, weights } = this.#table;
    const gradients = this.#gradients.subarray(0, rows.length);
    const hessians = this.#hessians.subarray(0, rows.length);
    this.#rule({ labels, weights, scores: this.scores, output, rows, gradients, hessians });
    const weight = heaviest(this.#table, rows);
    const { gradientBound, hessianBound } = this.#loss;
    const largest = (bound: number | undefined, values: Float64Array): number =>
      bound === undefined ? values.reduce((most, one) => Math.max(most, Math.abs(one)), 0) : bound * weight;
    const units = unitsOf(largest(gradientBound, gradients), largest(hessianBound, hessians), rows.length);
    for (let i = 0; i < rows.length; i++) {
      pairs[2 * i] = Math.round(gradients[i]! / units.gradient);
      pairs[2 * i + 1] = Math.round(hessians[i]! / units.hessian);
    }
    return units;
  }
}
