import { GraphError } from '../onnx/index.ts';

/**
 * Adds gradient rows to a table, `table[ids[i]] += rows[i]`, in the order of i, so equal input gives equal bits whatever
 * the runtime's threads do. `rows` is (ids.length, width) and `table` (count, width), both row-major. Throws GraphError
 * on an id outside the table or lengths that do not fit; then the table is unchanged.
 */
export function scatterRows(ids: ArrayLike<number | bigint>, rows: Float32Array, table: Float32Array): void {
  const width = ids.length === 0 ? 0 : rows.length / ids.length;
  if (!Number.isInteger(width) || (width === 0 ? rows.length > 0 : table.length % width !== 0)) {
    throw new GraphError(
      `${rows.length} values are no rows for ${ids.length} ids into a table of ${table.length} values.`,
    );
  }
  if (width === 0) return;
  const count = table.length / width;
  for (let i = 0; i < ids.length; i++) {
    const id = Number(ids[i]);
    if (id < 0 || id >= count) throw new GraphError(`Row ${id} is outside a table of ${count} rows.`);
  }
  for (let i = 0; i < ids.length; i++) {
    const to = Number(ids[i]) * width;
    const from = i * width;
    for (let k = 0; k < width; k++) table[to + k]! += rows[from + k]!;
  }
}
