import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/engine/autodiff/index.ts';
import {
  bceWithLogits,
  crossEntropy,
  IGNORED,
  infoNce,
  maskedToken,
  sampledSoftmaxInBatch,
} from '../../../lib/engine/nn/index.ts';
import {
  GraphBuilder,
  interpret,
  selectOutputs,
  type Tensor,
  tensor,
  type Value,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';
import { uniform } from '../onnx/support/random.ts';
import { runGraph } from '../onnx/support/runtime.ts';

/** Loss and gradient by x, in float64 and by the runtime in float32. */
async function lossOf(
  x: Tensor,
  build: (g: GraphBuilder, x: Value) => Value,
): Promise<{ loss: number; gradient: number[]; single: { loss: number; gradient: number[] } }> {
  const g = new GraphBuilder('loss');
  g.output('loss', build(g, g.input('x', x.dtype, x.shape)));
  const graph = differentiate(g.build(), { loss: 'loss', wrt: ['x'] });
  const exact = interpret(graph, { x });
  const single = await runGraph(graph, { x });
  return {
    loss: exact.loss!.data[0]!,
    gradient: [...exact['grad:x']!.data],
    single: { loss: single.loss!.data[0]!, gradient: single['grad:x']!.data },
  };
}

const drawn = (shape: number[], seed: number): Tensor => {
  const random = uniform(seed);
  const count = shape.reduce((product, n) => product * n, 1);
  return tensor(
    'float32',
    shape,
    Float64Array.from({ length: count }, () => 4 * random() - 2),
  );
};

describe('losses', () => {
  it('stay finite where a sigmoid or softmax rounds to 0 or 1', async () => {
    // given
    const sure = tensor('float32', [4], [200, -200, 200, -200]);
    const rows = tensor('float32', [2, 2], [1000, -1000, 1000, -1000]);
    // when
    const binary = await lossOf(sure, (g, x) =>
      bceWithLogits(g, x, g.constant([1, 0, 0, 1]), { posWeight: 3 }),
    );
    const classes = await lossOf(rows, (g, x) => crossEntropy(g, x, g.ints([0, 1]), { smoothing: 0.1 }));
    // then
    expect(binary.loss).toBe((200 + 600) / 4);
    expect(binary.single.loss).toBe((200 + 600) / 4);
    expect(binary.single.gradient).toEqual([0, 0, 0.25, -0.75]);
    expect(classes.single.loss).toBeCloseTo((0.05 * 2000 + 0.95 * 2000) / 2, 2);
    expect(classes.single.gradient.every(Number.isFinite)).toBe(true);
  });

  it('weigh rows: a row of weight 0 counts for nothing, one of weight 2 twice', async () => {
    // given
    const x = drawn([3, 2], 1);
    const twice = tensor(
      'float32',
      [3, 2],
      [...x.data].map(Number).map((v, i) => (i < 2 ? Number(x.data[i + 4]) : v)),
    );
    const labels = [1, 0, 0, 1, 1, 0];
    const asTensor = (values: number[]) => tensor('float32', [3, 2], values);
    // when: rows 1 and 2 with weights 1 and 2 against rows 2, 1, 2 unweighted
    const weighted = await lossOf(x, (g, z) =>
      bceWithLogits(g, z, g.constant(asTensor(labels)), {
        weights: g.constant(tensor('float32', [3, 1], [0, 1, 2])),
      }),
    );
    const repeated = await lossOf(twice, (g, z) => bceWithLogits(g, z, g.constant(asTensor(labels))));
    const rows = await lossOf(x, (g, z) =>
      crossEntropy(g, z, g.ints([1, 0, 1]), { weights: g.constant([0, 1, 2]) }),
    );
    const rowsRepeated = await lossOf(twice, (g, z) => crossEntropy(g, z, g.ints([1, 0, 1])));
    // then
    expect(weighted.loss).toBeCloseTo(repeated.loss, 12);
    expect(weighted.gradient.slice(0, 2)).toEqual([0, 0]);
    expect(rows.loss).toBeCloseTo(rowsRepeated.loss, 12);
    expect(rows.gradient.slice(0, 2).map(Math.abs)).toEqual([0, 0]);
  });

  it('are 0 with gradient 0 when nothing counts', async () => {
    // given
    const x = drawn([2, 3], 2);
    // when
    const ignored = await lossOf(x, (g, z) =>
      crossEntropy(g, z, g.ints([IGNORED, IGNORED]), { ignoreIndex: IGNORED }),
    );
    const weightless = await lossOf(x, (g, z) =>
      bceWithLogits(g, z, g.constant(1), { weights: g.constant([0, 0, 0]) }),
    );
    // then
    for (const { loss, single } of [ignored, weightless]) {
      expect([loss, single.loss].map(Math.abs)).toEqual([0, 0]);
      expect(single.gradient.map(Math.abs)).toEqual(new Array(6).fill(0));
    }
  });

  it('give a row of zeros a finite gradient in cosine losses', async () => {
    // given
    const x = tensor('float32', [2, 3], [0, 0, 0, 1, -2, 0.5]);
    // when
    const { single } = await lossOf(x, (g, a) =>
      infoNce(g, a, g.constant(drawn([2, 3], 3)), { temperature: 0.1, symmetric: true }),
    );
    // then
    expect(Number.isFinite(single.loss)).toBe(true);
    expect(single.gradient.every(Number.isFinite)).toBe(true);
  });

  it('keep a batch of any size: the pairs of InfoNCE and of the sampled softmax are counted when it runs', async () => {
    // given
    const build = (rows: number | string) => {
      const g = new GraphBuilder('pairs');
      const a = g.input('a', 'float32', [rows, 4]);
      const b = g.input('b', 'float32', [rows, 4]);
      const ids = g.input('ids', 'int64', [rows]);
      const nce = infoNce(g, a, b, { temperature: 0.5, symmetric: true });
      g.output('loss', g.add(nce, sampledSoftmaxInBatch(g, a, b, { itemIds: ids, temperature: 2 })));
      return differentiate(g.build(), { loss: 'loss', wrt: ['a', 'b'] });
    };
    const feeds = { a: drawn([3, 4], 4), b: drawn([3, 4], 5), ids: tensor('int64', [3], [7, 8, 7]) };
    // when
    const fixed = interpret(build(3), feeds);
    const open = await runGraph(build('batch'), feeds);
    // then
    for (const name of ['loss', 'grad:a', 'grad:b'])
      expect(relativeError(open[name]!.data, fixed[name]!.data)).toBeLessThan(1e-5);
  });

  it('leave out other rows with the same item, and weigh rows, in the sampled softmax', async () => {
    // given: rows 0 and 2 share an item, so row 0 has one negative alone
    const items = drawn([3, 4], 6);
    const users = drawn([3, 4], 7);
    // when
    const { loss } = await lossOf(users, (g, x) =>
      sampledSoftmaxInBatch(g, x, g.constant(items), {
        itemIds: g.ints([7, 8, 7]),
        weights: g.constant([1, 0, 0]),
      }),
    );
    // then
    const score = (j: number) =>
      [0, 1, 2, 3].reduce((sum, k) => sum + Number(users.data[k]) * Number(items.data[j * 4 + k]), 0);
    expect(loss).toBeCloseTo(Math.log(1 + Math.exp(score(1) - score(0))), 10);
  });

  it('compute masked tokens at the masked places alone, with the loss and gradients of all places', async () => {
    // given: places 1 and 5 of 2 x 3 are masked; one slot is padding
    const hidden = drawn([2, 3, 4], 8);
    const table = drawn([9, 4], 9);
    const project = (g: GraphBuilder) => (states: Value) =>
      g.matmulT(states, g.constant(table), { transB: true });
    const whole = [IGNORED, 3, IGNORED, IGNORED, IGNORED, 8];
    // when
    const places = await lossOf(hidden, (g, x) =>
      maskedToken(g, x, g.ints([1, 5, 0]), g.ints([3, 8, IGNORED]), project(g)),
    );
    const all = await lossOf(hidden, (g, x) =>
      crossEntropy(g, g.reshape(project(g)(x), [6, 9]), g.ints(whole), { ignoreIndex: IGNORED }),
    );
    // then
    expect(places.loss).toBeCloseTo(all.loss, 12);
    expect(relativeError(places.gradient, all.gradient)).toBeLessThan(1e-12);
    expect(relativeError(places.single.gradient, all.gradient)).toBeLessThan(1e-5);
  });

  it('need only the logits for scoring: labels and weights drop out', () => {
    // given
    const g = new GraphBuilder('scoring');
    const x = g.input('x', 'float32', ['batch', 3]);
    g.output('logits', g.mul(x, 2));
    g.output('loss', crossEntropy(g, g.mul(x, 2), g.input('labels', 'int64', ['batch'])));
    // when
    const scoring = selectOutputs(g.build(), ['logits']);
    // then
    expect(scoring.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(scoring.nodes.map(({ op }) => op)).toEqual(['Mul']);
  });
});
