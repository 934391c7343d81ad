import { type Feeds, float32, gatherRows } from '../../engine/host/index.ts';
import { encodeModel, type Graph } from '../../engine/onnx/index.ts';
import { openSession } from '../../engine/train/index.ts';

/** Raw rows, (count, width). */
export interface RawFeatures {
  readonly features: Float32Array;
  readonly width: number;
}

/** Rows in one run: bounds memory. */
export const AT_ONCE = 1024;

/**
 * Runs a graph over some rows, `AT_ONCE` at a time.
 * @param take gets the place of the first row of a run, and the outputs by name
 * @param more what the graph reads of rows beside `features`
 */
export async function runRows(
  model: Graph,
  { features, width }: RawFeatures,
  rows: Int32Array,
  threads: number,
  take: (start: number, output: Readonly<Record<string, Float32Array>>) => void,
  more: (rows: Int32Array) => Feeds = () => ({}),
): Promise<void> {
  const session = await openSession(encodeModel(model, { parametersAs: 'initializers' }), { threads });
  try {
    for (let start = 0; start < rows.length; start += AT_ONCE) {
      const part = rows.subarray(start, start + AT_ONCE);
      const own = float32(gatherRows(features, width, part), [part.length, width]);
      const output = await session.run({ features: own, ...more(part) });
      take(
        start,
        Object.fromEntries(Object.entries(output).map(([name, { data }]) => [name, data as Float32Array])),
      );
    }
  } finally {
    await session.close();
  }
}

/** Puts NaN to the tasks that a model cannot answer. @param logits (rows, tasks) */
export function withoutUnanswered(logits: Float32Array, answered: readonly boolean[]): Float32Array {
  return answered.every(Boolean)
    ? logits
    : logits.map((logit, i) => (answered[i % answered.length] ? logit : Number.NaN));
}
