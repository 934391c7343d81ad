/** 1 / (1 + exp(-z)) without overflow on either side. */
export function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** ln(1 + e^z) without overflow; softplus(z) - y z is the log loss of a label y by its logit z. */
export const softplus = (z: number): number => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));

/** Rows of a table that lies row by row: those named, in that order, as often as they are named. */
export function gatherRows<T extends Float32Array | Float64Array | Int32Array | BigInt64Array>(
  table: T,
  width: number,
  rows: ArrayLike<number>,
): T {
  const gathered = new (table.constructor as new (length: number) => T)(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const from = rows[i]! * width;
    gathered.set(table.subarray(from, from + width) as never, i * width);
  }
  return gathered;
}
