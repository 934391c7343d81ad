import { gatherRows } from '../host/index.ts';
import type { Encoder } from './encoder.ts';
import { isHead } from './encoder.ts';
import { needed, type Reference } from './reference.ts';

type Floats = Float32Array | Float64Array;

/**
 * A tensor of the graph (a weight or its gradient) as the reference stores it: (out, in) where the graph has (in, out), and
 * of the word embeddings only the rows of `word_rows`.
 */
export function asReference(
  reference: Reference,
  encoder: Encoder,
  name: string,
  shape: readonly number[],
  data: Floats,
): Floats {
  const transposed = encoder.weights.get(name)?.transposed ?? false;
  const whole = transposed ? swapped(data, shape) : data;
  if (name !== reference.figures.word_embedding_name) return whole;
  return gatherRows(whole, shape[1]!, wordRows(reference));
}

/** Name of the graph's parameter that holds a weight of the reference; the head and LoRA have the reference's names. */
export function parameterOf(encoder: Encoder, name: string): string | undefined {
  return isHead(name) ? name : encoder.weights.get(name)?.parameter;
}

/** Ids whose rows of the word embeddings are recorded. */
function wordRows(reference: Reference): number[] {
  return Array.from(needed(reference, 'word_rows').data as BigInt64Array, Number);
}

function swapped(data: Floats, [rows = 0, columns = 0]: readonly number[]): Floats {
  const result = data.slice();
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c]!;
  }
  return result;
}
