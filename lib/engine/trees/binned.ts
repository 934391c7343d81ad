import { assignBins, columnOf, type Edges, findEdges, sampledRows } from './bins.ts';
import { type CategoryEncoding, encodeValues, fitCategories, orderedStatistics } from './categories.ts';
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
    const { columns, values } = this.#table;
    for (let column = 0; column < columns; column++) {
      if (!this.#options.categorical.includes(column)) {
        this.#fill(space, column, columnOf(values, columns, column));
      }
    }
  }

  /** Bins the categorical columns into the space, by the order of a seed. */
  fillCategories(space: Space, seed: number): void {
    for (const encoding of this.encodings) {
      const values = orderedStatistics(this.#table, encoding, this.#options.smoothing, seed);
      this.#fill(space, encoding.column, values);
    }
  }

  #fill(space: Space, column: number, values: Float32Array): void {
    const { rows, columns } = this.#table;
    const sample = this.#sample ? Float32Array.from(this.#sample, (row) => values[row]!) : values.slice();
    const edges = findEdges(sample, this.#options.maxBins);
    this.edges[column] = edges;
    const bins = space.bins(column);
    assignBins(values, edges, bins);
    assignBins(columnOf(this.#following, columns, column), edges, bins.subarray(rows));
  }
}
