import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/engine/autodiff/index.ts';
import {
  attentionPool,
  clsPool,
  conv1d,
  embeddingBag,
  embeddingBagOffsets,
  gru,
  lstm,
  maxPool,
  meanPool,
} from '../../../lib/engine/nn/index.ts';
import {
  GraphBuilder,
  GraphError,
  interpret,
  specialise,
  tensor,
  type Value,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';
import { runGraph } from '../onnx/support/runtime.ts';

/** The result of a small graph in float64, after checking that the runtime gives the same. */
async function run(build: (g: GraphBuilder) => Value): Promise<number[]> {
  const g = new GraphBuilder('layer');
  g.output('y', build(g));
  const graph = g.build();
  const exact = [...interpret(graph, {}).y!.data];
  expect(relativeError((await runGraph(graph, {})).y!.data, exact)).toBeLessThan(1e-5);
  return exact;
}

describe('pooling', () => {
  // Two rows of three states of width 2; the second row has no state that counts.
  const states = tensor('float32', [2, 3, 2], [1, -5, 3, -7, 9, 9, 1, 1, 1, 1, 1, 1]);
  const mask = tensor('int64', [2, 3], [1, 1, 0, 0, 0, 0]);

  it('takes the states that count, and zeros where none does', async () => {
    // given / when / then
    expect(await run((g) => meanPool(g, g.constant(states), g.constant(mask)))).toEqual([2, -6, 0, 0]);
    const largest = await run((g) => maxPool(g, g.constant(states), g.constant(mask)));
    expect(largest.map((v) => v + 0)).toEqual([3, -5, 0, 0]);
    expect(await run((g) => clsPool(g, g.constant(states)))).toEqual([1, -5, 1, 1]);
  });

  it('weighs states by attention to a query', async () => {
    // given
    const query = [Math.SQRT2 * Math.log(3), 0];
    // when: the scores are log 3 and 3 log 3, so the shares are 1 : 9
    const pooled = await run((g) =>
      attentionPool(g, g.constant(states), g.constant(mask), g.constant(query)),
    );
    // then
    expect(pooled[0]).toBeCloseTo((1 + 9 * 3) / 10, 10);
    expect(pooled[1]).toBeCloseTo((-5 + 9 * -7) / 10, 10);
    expect(pooled.slice(2)).toEqual([0, 0]);
  });
});

describe('embedding bags', () => {
  const table = tensor('float32', [4, 2], [9, 9, 1, 10, 2, 20, 4, 40]);

  it('sum rows, padding left out', async () => {
    // given / when / then
    const ids = tensor('int64', [2, 3], [1, 3, 0, 0, 0, 0]);
    const bags = await run((g) =>
      embeddingBag(g, g.constant(table), g.constant(ids), { mode: 'sum', paddingId: 0 }),
    );
    expect(bags).toEqual([5, 50, 0, 0]);
    const plain = await run((g) => embeddingBag(g, g.constant(table), g.constant(ids), { mode: 'sum' }));
    expect(plain).toEqual([14, 59, 27, 27]);
  });

  it('by offsets: empty bags at the start, in the middle and at the end', async () => {
    // given / when / then
    const build = (mode: 'mean' | 'sum') =>
      run((g) =>
        embeddingBagOffsets(g, g.constant(table), g.ints([1, 2, 3]), g.ints([0, 0, 2, 2, 3, 3]), { mode }),
      );
    expect(await build('sum')).toEqual([0, 0, 3, 30, 0, 0, 4, 40, 0, 0, 0, 0]);
    expect(await build('mean')).toEqual([0, 0, 1.5, 15, 0, 0, 4, 40, 0, 0, 0, 0]);
  });

  it('train their table by row gradients', () => {
    // given
    const g = new GraphBuilder('rows');
    const weights = g.parameter('table', [4, 2], Float32Array.from(table.data as Float64Array));
    const bags = embeddingBagOffsets(
      g,
      weights,
      g.input('ids', 'int64', ['ids']),
      g.input('offsets', 'int64', ['bags']),
    );
    g.output('loss', g.reduceSum(bags));
    // when
    const graph = differentiate(g.build(), { loss: 'loss', wrt: [], rows: ['table'] });
    const found = interpret(graph, {
      ids: tensor('int64', [3], [1, 2, 3]),
      offsets: tensor('int64', [2], [0, 2]),
    });
    // then
    expect([...found['grad-ids:table']!.data]).toEqual([1, 2, 3]);
    expect([...found['grad-rows:table']!.data]).toEqual([0.5, 0.5, 0.5, 0.5, 1, 1]);
  });
});

describe('conv1d', () => {
  it('never shows a later step to an earlier one when causal', async () => {
    // given: each output sums its step and the one two before
    const x = tensor('float32', [1, 4, 1], [1, 10, 100, 1000]);
    // when
    const y = await run((g) =>
      conv1d(g, g.constant(x), g.constant(tensor('float32', [1, 1, 2], [1, 1])), undefined, {
        padding: 'causal',
        dilation: 2,
      }),
    );
    // then
    expect(y).toEqual([1, 10, 101, 1010]);
  });

  it('says what does not fit', () => {
    // given
    const g = new GraphBuilder('wrong');
    const x = g.input('x', 'float32', ['batch', 5, 2]);
    const weight = g.parameter('w', [4, 3, 3], new Float32Array(36));
    // when / then
    expect(() => conv1d(g, x, weight)).toThrow('2 channels are not 1 groups of 3');
    expect(() => conv1d(g, x, x, undefined, { stride: 2 })).toThrow(GraphError);
    expect(() => conv1d(g, x, weight, undefined, { padding: 'same', stride: 2 })).toThrow(
      "Padding 'same' keeps the length",
    );
  });
});

describe('recurrent layers', () => {
  const weights = (g: GraphBuilder, gates: number) => ({
    input: g.parameter(
      'input',
      [gates * 2, 3],
      new Float32Array(gates * 6).map((_, i) => Math.sin(i)),
    ),
    hidden: g.parameter(
      'hidden',
      [gates * 2, 2],
      new Float32Array(gates * 4).map((_, i) => Math.cos(i)),
    ),
  });

  it.each(['gru', 'lstm'] as const)('%s: a sequence gives the same alone as padded in a batch', (kind) => {
    // given
    const sequence = [0.1, -0.4, 0.3, 0.2, 0.5, -0.1];
    const last = (steps: number, rest: number[], batch: number): number[] => {
      const g = new GraphBuilder(kind);
      const x = g.input('x', 'float32', [batch, steps, 3]);
      const lengths = g.ints(batch === 1 ? [2] : [2, 4]);
      const layer = kind === 'gru' ? gru : lstm;
      g.output('last', layer(g, x, [weights(g, kind === 'gru' ? 3 : 4)], { lengths }).last);
      const feed = tensor('float32', [batch, steps, 3], [...sequence, ...rest]);
      return [...interpret(g.build(), { x: feed }).last!.data].slice(0, 2);
    };
    // when
    const alone = last(2, [], 1);
    const padded = last(
      4,
      Array.from({ length: 18 }, (_, i) => i),
      2,
    );
    // then
    expect(padded).toEqual(alone);
  });

  it('keep a symbolic batch; training needs a fixed number of steps', async () => {
    // given
    const build = (time: number | string) => {
      const g = new GraphBuilder('open');
      const x = g.input('x', 'float32', ['batch', time, 3]);
      g.output('loss', g.reduceSum(g.square(gru(g, x, [weights(g, 3)]).output)));
      return g.build();
    };
    const feeds = {
      x: tensor(
        'float32',
        [2, 3, 3],
        Array.from({ length: 18 }, (_, i) => Math.sin(i)),
      ),
    };
    const wrt = ['x', 'input', 'hidden'];
    // when
    const open = differentiate(build(3), { loss: 'loss', wrt });
    const fixed = differentiate(specialise(build('time'), { batch: 2, time: 3 }), { loss: 'loss', wrt });
    // then
    const single = await runGraph(open, feeds);
    for (const name of wrt) {
      const expected = interpret(fixed, feeds)[`grad:${name}`]!.data;
      expect(relativeError(interpret(open, feeds)[`grad:${name}`]!.data, expected)).toBeLessThan(1e-12);
      expect(relativeError(single[`grad:${name}`]!.data, expected)).toBeLessThan(1e-4);
    }
    expect(() => differentiate(build('time'), { loss: 'loss', wrt })).toThrow(
      'over time steps needs a fixed number of steps; specialise first',
    );
  });

  it('say what does not fit', () => {
    // given
    const g = new GraphBuilder('wrong');
    const x = g.input('x', 'float32', ['batch', 4, 3]);
    const given = weights(g, 3);
    // when / then
    expect(() => lstm(g, x, [given])).toThrow('its first axis must have 4 gates of 2');
    expect(() => gru(g, x, [{ ...given, hidden: x }])).toThrow('it must be (gates * size, size)');
    expect(() => gru(g, x, [{ ...given, inputBias: g.constant([0]) }])).toThrow('or none');
  });
});
