import { describe, expect, it } from 'vitest';
import { type Graph, GraphBuilder, type Value } from '../../../lib/engine/onnx/index.ts';
import { linears, PeftError, selectLinears } from '../../../lib/engine/peft/index.ts';
import { encoder } from './small.ts';

/** x (batch, 4) through a layer of 4 to 3. */
function graphOf(body: (g: GraphBuilder, x: Value) => Value): Graph {
  const g = new GraphBuilder('layers');
  g.output('y', body(g, g.input('x', 'float32', ['batch', 4])));
  return g.build();
}
const data = (n: number) => Float32Array.from({ length: n }, (_, i) => i / n);

describe('linear layers', () => {
  it('are named by the bias that is added to them', () => {
    // given an export whose weights have no telling names
    const graph = encoder({ layers: 1 });
    // when
    const found = linears(graph);
    // then
    expect(found.map(({ target, weight, bias }) => [target, weight, bias])).toEqual([
      ['layer.0.attention.self.query', 'onnx::MatMul_100', 'layer.0.attention.self.query.bias'],
      ['layer.0.attention.self.key', 'onnx::MatMul_101', 'layer.0.attention.self.key.bias'],
      ['layer.0.attention.self.value', 'onnx::MatMul_102', 'layer.0.attention.self.value.bias'],
      ['layer.0.attention.output.dense', 'onnx::MatMul_103', 'layer.0.attention.output.dense.bias'],
      ['layer.0.ffn.up', 'onnx::MatMul_104', 'layer.0.ffn.up.bias'],
      ['layer.0.ffn.down', 'onnx::MatMul_105', 'layer.0.ffn.down.bias'],
    ]);
    expect(found[4]).toMatchObject({ in: 8, out: 16, transposed: false });
  });

  it.each<[string, (g: GraphBuilder, x: Value) => Value]>([
    [
      'Gemm with transB',
      (g, x) =>
        g.op('Gemm', [x, g.parameter('w', [3, 4], data(12)), g.parameter('a.bias', [3], data(3))], {
          transB: 1,
        }),
    ],
    [
      'FusedMatMul',
      (g, x) =>
        g.add(
          g.matmulT(x, g.parameter('w', [3, 4], data(12)), { transB: true }),
          g.parameter('a.bias', [3], data(3)),
        ),
    ],
    [
      'a Transpose in front of the weight',
      (g, x) =>
        g.linear(
          x,
          g.transpose(g.parameter('w', [3, 4], data(12)), [1, 0]),
          g.parameter('a.bias', [3], data(3)),
        ),
    ],
    [
      'a Reshape before the bias',
      (g, x) => {
        const product = g.matmulT(x, g.parameter('w', [3, 4], data(12)), { transB: true });
        return g.add(g.reshape(product, [-1, 1, 3]), g.parameter('a.bias', [3], data(3)));
      },
    ],
  ])('are found as %s, stored (out, in)', (_, body) => {
    // given
    const graph = graphOf(body);
    // when
    const [layer, ...others] = linears(graph);
    // then
    expect(others).toEqual([]);
    expect(layer).toMatchObject({
      target: 'a',
      weight: 'w',
      bias: 'a.bias',
      in: 4,
      out: 3,
      transposed: true,
    });
  });

  it('without a bias are named by the weight, or by the path of the node', () => {
    // given one weight with a telling name, and one without
    const graph = graphOf((g, x) =>
      g.matmul(
        g.matmul(x, g.parameter('mlp.in.weight', [4, 5], data(20))),
        g.parameter('onnx::MatMul_7', [5, 3], data(15)),
      ),
    );
    const nodes = graph.nodes.map((node, i) => (i === 1 ? { ...node, name: '/mlp/out/MatMul' } : node));
    // when
    const found = linears({ ...graph, nodes });
    // then
    expect(found.map(({ target }) => target)).toEqual(['mlp.in', 'mlp.out']);
    expect(selectLinears({ ...graph, nodes }, ['onnx::MatMul_7'])).toHaveLength(1);
  });

  it('of one weight are one layer; of one name and two weights, two', () => {
    // given two products by w, and one by another weight with the same bias
    const graph = graphOf((g, x) => {
      const bias = g.parameter('a.bias', [4], data(4));
      const w = g.parameter('w', [4, 4], data(16));
      const once = g.linear(g.tanh(g.linear(x, w, bias)), w, bias);
      return g.linear(g.tanh(once), g.parameter('v', [4, 4], data(16)), bias);
    });
    // when
    const found = linears(graph);
    // then
    expect(found.map(({ target }) => target)).toEqual(['a', 'a', 'a.2']);
  });

  it('do not take a product of two computed values, or a bias of another width', () => {
    // given
    const graph = graphOf((g, x) => {
      const w = g.parameter('w', [4, 3], data(12));
      const y = g.add(g.matmul(x, w), g.parameter('one', [1], data(1)));
      return g.matmul(g.transpose(y, [1, 0]), y);
    });
    // when
    const found = linears(graph);
    // then
    expect(found.map(({ target, bias }) => [target, bias])).toEqual([['w', undefined]]);
  });
});

describe('choosing layers', () => {
  const graph = encoder();
  const chosen = (...patterns: (string | RegExp)[]) =>
    selectLinears(graph, patterns).map(({ target }) => target);

  it.each<[string | RegExp, number]>([
    ['*.query', 2],
    ['query', 2],
    ['layer.0.*', 6],
    ['layer.?.ffn.up', 2],
    ['onnx::MatMul_100', 1],
    ['layer.1.ffn.up.bias', 1],
    [/self\.(query|value)/g, 4],
  ])('%s fits %i', (pattern, count) => {
    expect(chosen(pattern)).toHaveLength(count);
  });

  it('lists the names there are when a pattern fits none', () => {
    expect(() => chosen('*.query', '*.wqkv')).toThrow(PeftError);
    expect(() => chosen('*.query', '*.wqkv')).toThrow(
      /\*\.wqkv; graph encoder has layer\.0\.attention\.self\.query \(weight onnx::MatMul_100/,
    );
  });

  it('refuses no patterns', () => {
    expect(() => chosen()).toThrow(/No targets were given/);
  });
});
