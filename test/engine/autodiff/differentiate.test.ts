import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { differentiate, scatterRows } from '../../../lib/engine/autodiff/index.ts';
import { encodeModel, GraphBuilder, GraphError, interpret, tensor } from '../../../lib/engine/onnx/index.ts';
import { uniform } from '../onnx/support/random.ts';
import { runGraph } from '../onnx/support/runtime.ts';

const x3 = { x: tensor('float32', [3], [1, 2, -3]) };

describe('differentiate', () => {
  it('sums the gradient over several uses of a value', () => {
    // given
    const g = new GraphBuilder('uses');
    const x = g.input('x', 'float32', [3]);
    g.output('loss', g.reduceSum(g.add(g.add(g.mul(x, x), x), g.mul(x, 4))));
    // when
    const graph = differentiate(g.build(), { loss: 'loss', wrt: ['x'] });
    // then
    expect([...interpret(graph, x3)['grad:x']!.data]).toEqual([7, 9, -1]);
  });

  it('sums a broadcast gradient to the shape of the value', () => {
    // given
    const g = new GraphBuilder('broadcast');
    const bias = g.parameter('bias', [1, 3], new Float32Array(3));
    const x = g.input('x', 'float32', [2, 4, 3]);
    g.output('loss', g.reduceSum(g.add(x, bias)));
    // when
    const graph = differentiate(g.build(), { loss: 'loss', wrt: ['bias'] });
    // then
    const gradient = interpret(graph, { x: tensor('float32', [2, 4, 3], new Float64Array(24)) })[
      'grad:bias'
    ]!;
    expect(gradient.shape).toEqual([1, 3]);
    expect([...gradient.data]).toEqual([8, 8, 8]);
  });

  it('keeps the outputs of the graph and adds one gradient per name, also where two are equal', async () => {
    // given
    const g = new GraphBuilder('outputs');
    const x = g.input('x', 'float32', [3]);
    const a = g.parameter('a', [3], Float32Array.of(1, 2, 3));
    const b = g.parameter('b', [3], Float32Array.of(4, 5, 6));
    g.output('sum', g.add(x, g.add(a, b)));
    g.output('loss', g.reduceSum(g.add(x, g.add(a, b))));
    // when
    const graph = differentiate(g.build(), { loss: 'loss', wrt: ['a', 'b', 'loss'] });
    // then
    expect(graph.outputs.map(({ name }) => name)).toEqual(['sum', 'loss', 'grad:a', 'grad:b', 'grad:loss']);
    const outputs = await runGraph(graph, x3);
    expect(outputs['grad:a']!.data).toEqual([1, 1, 1]);
    expect(outputs['grad:b']!.data).toEqual([1, 1, 1]);
    expect(outputs['grad:loss']!.data).toEqual([1]);
  });

  it('builds gradients only where they are needed', () => {
    // given
    const graph = twoLayers();
    // when
    const last = differentiate(graph, { loss: 'loss', wrt: ['w2'] });
    const both = differentiate(graph, { loss: 'loss', wrt: ['w1', 'w2'] });
    // then: the last layer needs one product (dw2), both layers need three (dw2, dh, dw1)
    const products = (nodes: typeof graph.nodes): number =>
      nodes.filter(({ op }) => op === 'MatMul' || op === 'FusedMatMul').length;
    expect(products(last.nodes) - products(graph.nodes)).toBe(1);
    expect(products(both.nodes) - products(graph.nodes)).toBe(3);
    expect(last.nodes.filter(({ op }) => op === 'Transpose')).toEqual([]);
  });

  it('differentiates by values inside the graph', () => {
    // given
    const g = new GraphBuilder('inside');
    const x = g.input('x', 'float32', [3]);
    const hidden = g.label('hidden', g.mul(x, 2));
    g.output('loss', g.reduceSum(g.mul(g.label('left', hidden), g.label('right', hidden))));
    // when
    const graph = differentiate(g.build(), { loss: 'loss', wrt: ['hidden', 'left', 'right', 'x'] });
    // then
    const outputs = interpret(graph, x3);
    expect([...outputs['grad:hidden']!.data]).toEqual([4, 8, -12]);
    expect([...outputs['grad:left']!.data]).toEqual([2, 4, -6]);
    expect([...outputs['grad:right']!.data]).toEqual([2, 4, -6]);
    expect([...outputs['grad:x']!.data]).toEqual([8, 16, -24]);
  });

  it('differentiates its own result again', () => {
    // given: loss = Σ h³ with h = 2 x, so Σ dloss/dh = Σ 3 h² = Σ 12 x²
    const g = new GraphBuilder('twice');
    const hidden = g.label('hidden', g.mul(g.input('x', 'float32', [3]), 2));
    g.output('loss', g.reduceSum(g.pow(hidden, 3)));
    const once = GraphBuilder.from(differentiate(g.build(), { loss: 'loss', wrt: ['hidden'] }));
    once.output('slopes', once.reduceSum(once.value('grad:hidden')));
    // when
    const twice = differentiate(once.build(), { loss: 'slopes', wrt: ['x'] });
    // then
    expect([...interpret(twice, x3)['grad:x']!.data]).toEqual([24, 48, -72]);
  });

  it('takes the middle at kinks and ties, as torch does', () => {
    // given
    const g = new GraphBuilder('kinks');
    const x = g.input('x', 'float32', [3]);
    const parts = {
      relu: g.relu(x),
      max: g.max(x, 0),
      abs: g.abs(x),
      top: g.reduceMax(g.concat([x, x], 0)),
      clip: g.clip(x, 0, 1),
    };
    for (const [name, part] of Object.entries(parts)) g.output(name, g.reduceSum(part));
    const graph = g.build();
    const gradient = (loss: string): number[] => {
      const outputs = interpret(differentiate(graph, { loss, wrt: ['x'] }), {
        x: tensor('float32', [3], [0, 1, 1]),
      });
      return [...outputs['grad:x']!.data];
    };
    // when / then
    expect(gradient('relu')).toEqual([0, 1, 1]);
    expect(gradient('max')).toEqual([0.5, 1, 1]);
    expect(gradient('abs')).toEqual([0, 1, 1]);
    expect(gradient('top')).toEqual([0, 0.5, 0.5]);
    expect(gradient('clip')).toEqual([1, 1, 1]);
  });

  it('keeps a masked branch out of the gradient, even where it is infinite', async () => {
    // given: log of a guarded argument, the usual way around log 0
    const g = new GraphBuilder('guard');
    const x = g.input('x', 'float32', [3]);
    const positive = g.greater(x, 0);
    g.output('loss', g.reduceSum(g.where(positive, g.log(g.where(positive, x, 1)), 0)));
    // when
    const outputs = await runGraph(differentiate(g.build(), { loss: 'loss', wrt: ['x'] }), {
      x: tensor('float32', [3], [0, 2, -1]),
    });
    // then
    expect(outputs['grad:x']!.data).toEqual([0, 0.5, 0]);
  });

  it('gives the same bytes for the same graph', () => {
    // given / when
    const bytes = [0, 1].map(() =>
      encodeModel(differentiate(twoLayers(), { loss: 'loss', wrt: ['w1', 'w2'] }), {
        parametersAs: 'inputs',
      }),
    );
    // then
    expect(bytes[0]).toEqual(bytes[1]);
  });

  it('says what is wrong with the loss and the names', () => {
    // given
    const g = new GraphBuilder('wrong');
    const x = g.input('x', 'float32', [3, 4]);
    const ids = g.input('ids', 'int64', [3]);
    const [, mean] = g.ops('LayerNormalization', [x, g.constant([1, 1, 1, 1])], { axis: -1 }, 2);
    g.output('vector', g.reduceSum(x, [1]));
    g.output('mean', g.reduceSum(mean!));
    g.output('count', g.reduceSum(ids));
    g.output('loss', g.reduceSum(x));
    const graph = g.build();
    const attempt =
      (loss: string, wrt: string): (() => void) =>
      () =>
        differentiate(graph, { loss, wrt: [wrt] });
    // when / then
    expect(attempt('vector', 'x')).toThrow('The loss vector is float32[3]; it must be one float');
    expect(attempt('count', 'x')).toThrow('The loss count is int64[]');
    expect(attempt('none', 'x')).toThrow('Graph wrong has no value none');
    expect(attempt('loss', 'y')).toThrow('Graph wrong has no value y');
    expect(attempt('loss', 'ids')).toThrow('ids is int64; only float values have gradients');
    expect(attempt('loss', 'vector')).toThrow('The loss does not depend on vector');
    expect(attempt('mean', 'x')).toThrow(/LayerNormalization.*only its first output has a gradient/);
    expect(attempt('loss', 'vector')).toThrow(GraphError);
    expect(() => differentiate(graph, { loss: 'loss', wrt: ['x'], rows: ['x'] })).toThrow(
      'by x is asked for twice',
    );
  });
});

describe('embedding gradients', () => {
  const rows = 20;
  const ids = 4096;

  it('are exact with many repeated ids on two threads', async () => {
    // given
    const g = new GraphBuilder('repeated');
    const table = g.parameter('table', [rows, 2], new Float32Array(rows * 2));
    g.output('loss', g.reduceSum(g.gather(table, g.input('ids', 'int64', [ids]))));
    const graph = differentiate(g.build(), { loss: 'loss', wrt: ['table'] });
    const random = uniform(3);
    const drawn = BigInt64Array.from({ length: ids }, () => BigInt(Math.floor(random() * rows)));
    const counts = new Array<number>(rows).fill(0);
    for (const id of drawn) counts[Number(id)]! += 1;
    const session = await InferenceSession.create(encodeModel(graph, { parametersAs: 'initializers' }), {
      intraOpNumThreads: 2,
    });
    for (let attempt = 0; attempt < 20; attempt++) {
      // when
      const outputs = await session.run({ ids: new RuntimeTensor('int64', drawn, [ids]) });
      // then
      expect(Array.from(outputs['grad:table']!.data as Float32Array)).toEqual(counts.flatMap((n) => [n, n]));
    }
    await session.release();
  });

  it('as rows and ids sum to the dense gradient', async () => {
    // given: two gathers of different rank on one table
    const g = new GraphBuilder('rows');
    const random = uniform(5);
    const table = g.parameter('table', [6, 3], Float32Array.from({ length: 18 }, random));
    const pairs = g.gather(table, g.input('pairs', 'int64', [2, 2]));
    const single = g.gather(table, g.input('single', 'int64', [3]));
    g.output('loss', g.add(g.reduceSum(g.square(pairs)), g.reduceSum(g.exp(single))));
    const graph = g.build();
    const feeds = { pairs: tensor('int64', [2, 2], [5, 0, 0, 2]), single: tensor('int64', [3], [0, 5, 5]) };
    // when
    const dense = await runGraph(differentiate(graph, { loss: 'loss', wrt: ['table'] }), feeds);
    const sparse = await runGraph(differentiate(graph, { loss: 'loss', wrt: [], rows: ['table'] }), feeds);
    const summed = new Float32Array(18);
    scatterRows(sparse['grad-ids:table']!.data, Float32Array.from(sparse['grad-rows:table']!.data), summed);
    // then
    expect(sparse['grad-ids:table']!.data).toEqual([5, 0, 0, 2, 0, 5, 5]);
    expect(sparse['grad-rows:table']!.shape).toEqual([7, 3]);
    summed.forEach((value, i) => {
      expect(value).toBeCloseTo(dense['grad:table']!.data[i]!, 5);
    });
  });

  it('as rows are refused when the table is also used whole', () => {
    // given
    const g = new GraphBuilder('tied');
    const table = g.parameter('table', [6, 3], new Float32Array(18));
    const hidden = g.gather(table, g.input('ids', 'int64', [2]));
    g.output('loss', g.reduceSum(g.matmulT(hidden, table, { transB: true })));
    // when / then
    expect(() => differentiate(g.build(), { loss: 'loss', wrt: [], rows: ['table'] })).toThrow(
      /table is also read by .*FusedMatMul.*ask for it whole/,
    );
  });

  it('refuse rows that do not fit, and leave the table as it was', () => {
    // given
    const table = new Float32Array(6);
    // when / then
    expect(() => scatterRows([0, 3], Float32Array.of(1, 1, 1, 1), table)).toThrow(
      'Row 3 is outside a table of 3 rows',
    );
    expect(() => scatterRows([0, 1], Float32Array.of(1, 1, 1), table)).toThrow(
      '3 values are no rows for 2 ids',
    );
    expect(() => scatterRows([], Float32Array.of(1), table)).toThrow(GraphError);
    expect([...table]).toEqual([0, 0, 0, 0, 0, 0]);
    scatterRows([], new Float32Array(0), table);
    scatterRows([2n, 0, 2n], Float32Array.of(1, 2, 3, 4, 5, 6), table);
    expect([...table]).toEqual([3, 4, 0, 0, 6, 8]);
  });
});

function twoLayers() {
  const g = new GraphBuilder('layers');
  const x = g.input('x', 'float32', ['batch', 4]);
  const w1 = g.parameter('w1', [4, 5], new Float32Array(20).fill(0.1));
  const w2 = g.parameter('w2', [5, 2], new Float32Array(10).fill(0.2));
  g.output('loss', g.reduceMean(g.square(g.matmul(g.tanh(g.matmul(x, w1)), w2))));
  return g.build();
}
