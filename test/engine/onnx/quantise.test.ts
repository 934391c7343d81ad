import { describe, expect, it } from 'vitest';
import {
  encodeModel,
  type Graph,
  GraphBuilder,
  interpret,
  quantise,
  tensor,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from './support/compare.ts';
import { uniform } from './support/random.ts';
import { runGraph, runModel, toRuntime } from './support/runtime.ts';

const WIDTH = 48;

/** Two products share an input, one is a Gemm with the weight stored (out, in), one weight is too small to quantise. */
function model(): Graph {
  const random = uniform(3);
  const g = new GraphBuilder('model');
  const weights = (name: string, ...shape: number[]) =>
    g.parameter(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() - 0.5),
    );
  const x = g.input('x', 'float32', ['batch', 5, WIDTH]);
  const gate = g.sigmoid(g.linear(x, weights('gate', WIDTH, WIDTH)));
  const value = g.linear(x, weights('value', WIDTH, WIDTH), weights('value.bias', WIDTH));
  const rows = g.reshape(g.mul(gate, value), [-1, WIDTH]);
  const hidden = g.op('Gemm', [rows, weights('up', 2 * WIDTH, WIDTH), weights('up.bias', 2 * WIDTH)], {
    transB: 1,
  });
  g.output('y', g.linear(g.gelu(hidden), weights('head', 2 * WIDTH, 3)));
  return g.build();
}

function feed() {
  const random = uniform(4);
  return {
    x: tensor(
      'float32',
      [2, 5, WIDTH],
      Array.from({ length: 10 * WIDTH }, () => 2 * random() - 1),
    ),
  };
}

describe('quantise', () => {
  it('keeps outputs within the rounding of 8 bits, in a quarter of the bytes', async () => {
    // given
    const graph = model();
    const feeds = feed();
    // when
    const small = quantise(graph);
    const bytes = encodeModel(small, { parametersAs: 'initializers' });
    const output = await runModel(bytes, { x: toRuntime(feeds.x) });
    // then
    const exact = await runGraph(graph, feeds);
    const error = relativeError(output.y!.data, exact.y!.data);
    expect(error).toBeLessThan(0.02);
    expect(error).toBeGreaterThan(0);
    expect(bytes.length).toBeLessThan(0.4 * encodeModel(graph, { parametersAs: 'initializers' }).length);
    expect(small.parameters.map(({ name }) => name)).toEqual(['value.bias', 'up.bias', 'head']);
  });

  it('means the same to the interpreter as to the runtime', async () => {
    // given
    const small = quantise(model());
    const feeds = feed();
    // when
    const output = await runGraph(small, feeds);
    // then: values at a rounding border may fall to either side
    expect(relativeError(output.y!.data, interpret(small, feeds).y!.data)).toBeLessThan(2e-3);
  });

  it('quantises an input once for all products that read it', () => {
    const small = quantise(model());
    expect(small.nodes.filter(({ op }) => op === 'DynamicQuantizeLinear')).toHaveLength(2);
    expect(small.nodes.filter(({ op }) => op === 'MatMulInteger')).toHaveLength(3);
  });

  it('takes no name that the graph has: an output y beside a weight y.scale', async () => {
    // given
    const g = new GraphBuilder('scaled');
    const w = g.parameter('w', [WIDTH, WIDTH], new Float32Array(WIDTH * WIDTH).fill(0.5));
    const y = g.label('y', g.matmul(g.input('x', 'float32', ['batch', WIDTH]), w));
    g.output('scaled', g.mul(y, g.parameter('y.scale', [WIDTH], new Float32Array(WIDTH).fill(2))));
    // when
    const small = quantise(g.build());
    const x = tensor('float32', [1, WIDTH], new Array(WIDTH).fill(1));
    const { scaled } = await runGraph(small, { x });
    // then
    expect(scaled!.data[0]).toBeCloseTo(WIDTH, 4);
  });

  it('refuses weights that are no numbers', () => {
    const graph = model();
    graph.parameters[0]!.data[7] = Number.POSITIVE_INFINITY;
    expect(() => quantise(graph)).toThrow(/Weight gate holds Infinity/);
  });

  it('refuses a graph that is quantised already', () => {
    expect(() => quantise(quantise(model()))).toThrow(/quantised already/);
  });
});
