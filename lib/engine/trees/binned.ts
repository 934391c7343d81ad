import { columnOf, type Edges, findEdges, sampledRows } from './bins.ts';
import { type CategoryEncoding, encodeValues, fitCategories, orderedStatistics } from './categories.ts';
import { COLUMNS_PER_PASS, SEARCHED_EDGES } from './kernels/index.ts';
import type { Space } from './space.ts';
import type { TreeTable } from './table.ts';

interface BinOptions {
  readonly categorical: readonly number[];
  readonly smoothing: number;
  readonly maxBins: number;
  readonly binRows: number;
}

/** The columns of a table, and of rows that follow it, in bins: what trees are grown from. */
export class BinnedTable {
  readonly encodings: readonly CategoryEncoding[];
  /** Per column. */
  readonly edges: Edges[];
  readonly #table: TreeTable;
  readonly #following: Float32Array;
  readonly #options: BinOptions;
  readonly #sample: Int32Array | undefined;

  /** @param following row-major values of further rows, whose categories are looked up as when scoring */
  constructor(table: TreeTable, following: Float32Array | undefined, options: BinOptions, seed: number) {
    this.#table = table;
    this.#options = options;
    this.encodings = fitCategories(table, options.categorical, options.smoothing);
    this.#following = encodeValues(this.encodings, following ?? new Float32Array(0), table.columns);
    this.#sample = sampledRows(table.rows, options.binRows, seed);
    this.edges = new Array(table.columns).fill(new Float32Array(0));
  }

  /** Bins the columns of numbers into the space. */
  fillNumbers(space: Space): void {
    const { rows, columns, values } = this.#table;
    const numbers = this.edges.flatMap((_, column) =>
      this.#options.categorical.includes(column) ? [] : [column],
    );
    for (const column of numbers) {
      this.#setEdges(space, column, columnOf(values, columns, column, this.#sample));
    }
    assignAll(space, values, columns, numbers, 0);
    assignAll(space, this.#following, columns, numbers, rows);
  }

  /** Bins the categorical columns into the space, by the order of a seed. */
  fillCategories(space: Space, seed: number): void {
    const { rows, columns } = this.#table;
    for (const encoding of this.encodings) {
      const { column } = encoding;
      const values = orderedStatistics(this.#table, encoding, this.#options.smoothing, seed);
      this.#setEdges(space, column, this.#sample ? columnOf(values, 1, 0, this.#sample) : values.slice());
      assignAll(space, values, 1, [column], 0);
      assignAll(space, columnOf(this.#following, columns, column), 1, [column], rows);
    }
  }

  /** @param sample is sorted */
  #setEdges(space: Space, column: number, sample: Float32Array): void {
    const edges = findEdges(sample, this.#options.maxBins);
    this.edges[column] = edges;
    space.edges.fill(Number.POSITIVE_INFINITY, column * SEARCHED_EDGES, (column + 1) * SEARCHED_EDGES);
    space.edges.set(edges, column * SEARCHED_EDGES);
  }
}

/**
 * Writes the bins of `columns` for rows from `firstRow` on. The values are row-major with `width` columns: all of the table,
 * or the one column alone.
 */
function assignAll(
  space: Space,
  values: Float32Array,
  width: number,
  columns: readonly number[],
  firstRow: number,
): void {
  const { team, at, staged } = space;
  const rows = values.length / width;
  const most = Math.floor(staged.length / width);
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    staged.set(values.subarray(first * width, (first + count) * width));
    columns.forEach((column, i) => {
      if (i % COLUMNS_PER_PASS === 0) team.task();
      team.call(
        'assign',
        at.staged + (width === 1 ? 0 : 4 * column),
        at.staged + 4 * count * width,
        4 * width,
        at.edges + 4 * SEARCHED_EDGES * column,
        at.columns + column * space.columnBytes + firstRow + first,
      );
    });
    team.run(columns.length === 1);
  }
}
