import { createRng, sigmoid } from '../../../lib/engine/host/index.ts';

/** Rows whose label depends on the first columns, ever less. */
export function sample(rows: number, columns: number, seed: number) {
  const rng = createRng(seed);
  const values = rng.normals(rows * columns);
  const labels = Uint8Array.from({ length: rows }, (_, row) => {
    let logit = -0.5;
    for (let j = 0; j < columns; j++) logit += values[row * columns + j]! / (j + 1) ** 2;
    return Number(rng.uniform() < sigmoid(logit));
  });
  return { rows, columns, values, labels };
}
