import { ProgramError } from '../../host/index.ts';

/** Gradient of an embedding table by its touched rows: ids ascending and distinct, values (ids, width). */
export interface RowGradient {
  ids: Int32Array;
  values: Float32Array;
  width: number;
}

/** One lookup: the ids looked up, and the gradient of the lookup's output, (…ids' shape, width) flattened. */
export interface Lookup {
  ids: ArrayLike<number | bigint>;
  rows: Float32Array;
}

/**
 * Sums the gradients of a table's lookups per id, in the order they stand in the batch. The runtime's scatter operators
 * add in the order threads arrive (some lose updates), and a dense gradient is mostly zeros.
 * @param tableRows rows of the table; a negative id counts from the end, as in Gather
 * @param width columns of the table
 * @throws ProgramError when an id is outside the table or a gradient has another size than its ids
 */
export function sumRows(lookups: readonly Lookup[], tableRows: number, width: number): RowGradient {
  const slots = new Map<number, number>();
  for (const { ids, rows } of lookups) {
    if (rows.length !== ids.length * width) {
      throw new ProgramError(
        `${ids.length} ids of width ${width} were looked up, but the gradient has ${rows.length} values`,
      );
    }
    for (let i = 0; i < ids.length; i++) slots.set(rowOf(ids[i]!, tableRows), 0);
  }
  const distinct = Int32Array.from(slots.keys()).sort();
  for (let slot = 0; slot < distinct.length; slot++) slots.set(distinct[slot]!, slot);
  const values = new Float32Array(distinct.length * width);
  for (const { ids, rows } of lookups) {
    for (let i = 0; i < ids.length; i++) {
      const to = slots.get(rowOf(ids[i]!, tableRows))! * width;
      for (let c = 0; c < width; c++) values[to + c] = values[to + c]! + rows[i * width + c]!;
    }
  }
  return { ids: distinct, values, width };
}

/** Adds a row gradient into a dense one of shape (rows, width), in place. */
export function addRows(dense: Float32Array, { ids, values, width }: RowGradient): void {
  for (let i = 0; i < ids.length; i++) {
    const to = ids[i]! * width;
    for (let c = 0; c < width; c++) dense[to + c] = dense[to + c]! + values[i * width + c]!;
  }
}

function rowOf(id: number | bigint, tableRows: number): number {
  const row = Number(id) < 0 ? Number(id) + tableRows : Number(id);
  if (!(row >= 0 && row < tableRows)) {
    throw new ProgramError(`id ${id} is outside the embedding table of ${tableRows} rows`);
  }
  return row;
}
