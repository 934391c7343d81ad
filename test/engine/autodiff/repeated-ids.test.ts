import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { scatterRows, trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { type Graph, GraphBuilder, type Value } from '../../../lib/engine/onnx/index.ts';
import { uniform } from '../onnx/support/random.ts';

const IDS = 4096;
const ROWS = 20;
const WIDTH = 8;
const RUNS = 50;

/** loss = Σ table[ids] · weights, so the gradient of row r is the sum of the weights at the ids that are r. */
function lookup(read: (g: GraphBuilder, table: Value, ids: Value) => Value): Graph {
  const g = new GraphBuilder('lookup');
  const ids = g.input('ids', 'int64', [IDS]);
  const weights = g.input('weights', 'float32', [IDS, WIDTH]);
  const table = g.parameter('table', [ROWS, WIDTH], new Float32Array(ROWS * WIDTH));
  g.output('loss', g.reduceSum(g.mul(read(g, table, ids), weights)));
  return g.build();
}

const random = uniform(3);
const ids = Array.from({ length: IDS }, () => Math.floor(random() * ROWS));
// Multiples of 1/64 below 2: all partial sums are exact in float32, in any order.
const weights = Float32Array.from({ length: IDS * WIDTH }, () => (Math.floor(random() * 256) - 128) / 64);
const expected = new Float32Array(ROWS * WIDTH);
ids.forEach((id, i) => {
  for (let k = 0; k < WIDTH; k++) expected[id * WIDTH + k]! += weights[i * WIDTH + k]!;
});

describe('gradients of rows that are looked up many times', () => {
  const gather = lookup((g, table, index) => g.gather(table, index));
  const gatherNd = lookup((g, table, index) => g.op('GatherND', [table, g.unsqueeze(index, [1])]));

  it.each([
    { label: 'Gather, whole table', training: trainingGraph(gather, { loss: 'loss' }) },
    { label: 'GatherND, whole table', training: trainingGraph(gatherNd, { loss: 'loss' }) },
    { label: 'Gather, rows', training: trainingGraph(gather, { loss: 'loss', rows: ['table'] }) },
  ])('are exact on two threads, every time: $label', async ({ training }) => {
    // given
    const session = await InferenceSession.create(training.model, { intraOpNumThreads: 2 });
    const feeds = {
      ids: new RuntimeTensor('int64', BigInt64Array.from(ids, BigInt), [IDS]),
      weights: new RuntimeTensor('float32', weights, [IDS, WIDTH]),
      table: new RuntimeTensor('float32', new Float32Array(ROWS * WIDTH), [ROWS, WIDTH]),
    };
    const rows = training.rowGradientOutputs.table;
    let wrong = 0;
    // when
    for (let run = 0; run < RUNS; run++) {
      const outputs = await session.run(feeds);
      const gradient = new Float32Array(ROWS * WIDTH);
      if (rows) {
        const values = outputs[rows.rows]!.data as Float32Array;
        scatterRows(outputs[rows.ids]!.data as BigInt64Array, values, gradient);
      } else gradient.set(outputs[training.gradientOutputs.table!]!.data as Float32Array);
      if (gradient.some((value, i) => value !== expected[i])) wrong++;
    }
    await session.release();
    // then
    expect(wrong).toBe(0);
  });
});
