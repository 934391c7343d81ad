import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../lib/engine/autodiff/index.ts';
import { rewrites } from '../../../lib/engine/onnx/import/rewrites/index.ts';
import {
  type Graph,
  GraphBuilder,
  importModel,
  interpret,
  isOpType,
  specialise,
  type Tensor,
} from '../../../lib/engine/onnx/index.ts';
import { type ForeignCase, foreignCases } from './foreign-operators.ts';
import { relativeError } from './support/compare.ts';
import { foreignModel, info, node, stored } from './support/foreign.ts';
import { runGraph, runModel, toRuntime } from './support/runtime.ts';

const all = foreignCases.map((c, i) => ({ label: `${i} ${c.domain ?? ''} ${c.op} of ${c.opset ?? 17}`, c }));

function fileOf({ op, inputs, attributes, opset = 17, domain = '', ...rest }: ForeignCase): Uint8Array {
  const kept = new Set(rest.stored);
  const names = inputs.map((input, i) => (input ? `x${i}` : ''));
  const wanted = rest.outputs ?? [0];
  const outputs = Array.from({ length: Math.max(...wanted) + 1 }, (_, i) =>
    wanted.includes(i) ? `y${i}` : '',
  );
  const tensors = inputs.flatMap((t, i) => (t ? [{ t, i }] : []));
  return foreignModel(
    {
      node: [node(op, names, outputs, attributes, domain)],
      input: tensors
        .filter(({ i }) => !kept.has(i))
        .map(({ t, i }) =>
          info(`x${i}`, t.dtype, rest.symbolic?.includes(i) ? ['batch', ...t.shape.slice(1)] : t.shape),
        ),
      initializer: tensors.filter(({ i }) => kept.has(i)).map(({ t, i }) => stored(`x${i}`, t)),
      output: wanted.map((i) => info(`y${i}`, 'float32')),
    },
    { opset, domains: domain === '' ? [] : [domain] },
  );
}

/** The graph with loss = Σ y √(1 + y²) of its first output. */
function withLoss(graph: Graph): Graph {
  const g = GraphBuilder.from(graph);
  const y = g.value(graph.outputs[0]!.name);
  g.output('loss', g.reduceSum(g.mul(y, g.sqrt(g.add(g.square(y), 1)))));
  return g.build();
}

/** Five-point differences at the first elements of a tensor. */
function slopes(graph: Graph, feeds: Record<string, Tensor>, name: string, count: number): number[] {
  const h = 1e-3;
  const base = feeds[name]!;
  const at = (i: number, delta: number): number => {
    const data = Float64Array.from(base.data as Float64Array);
    data[i]! += delta;
    return interpret(graph, { ...feeds, [name]: { ...base, data } }).loss!.data[0]!;
  };
  return Array.from({ length: Math.min(count, base.data.length) }, (_, i) => {
    return (8 * (at(i, h) - at(i, -h)) - (at(i, 2 * h) - at(i, -2 * h))) / (12 * h);
  });
}

describe('operators of other exporters', () => {
  it('have a case for everything that is rewritten into more than our own operator', () => {
    const tried = new Set(
      foreignCases.map(({ op, domain }) => (domain === undefined ? op : `${domain}.${op}`)),
    );
    const untried = Object.keys(rewrites).filter((key) => !isOpType(key) && !tried.has(key));
    expect(untried).toEqual(['CastLike']);
  });

  it.each(all)('$label: means what it means in the runtime, and its gradient fits', async ({ c }) => {
    // given
    const bytes = fileOf(c);
    const kept = new Set(c.stored);
    const feeds = Object.fromEntries(
      c.inputs.flatMap((t, i) => (t && !kept.has(i) ? [[`x${i}`, t] as const] : [])),
    );
    const expected = await runModel(
      bytes,
      Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toRuntime(t)])),
    );
    // when
    const graph = importModel(bytes);
    const exact = interpret(graph, feeds);
    const single = await runGraph(graph, feeds);
    // then
    for (const { name } of graph.outputs) {
      expect(exact[name]!.shape).toEqual(expected[name]!.shape);
      expect(relativeError(exact[name]!.data, expected[name]!.data)).toBeLessThan(1e-5);
      expect(relativeError(single[name]!.data, expected[name]!.data)).toBeLessThan(1e-5);
    }
    const floats = Object.keys(feeds).filter((name) => feeds[name]!.dtype === 'float32');
    const fixed = withLoss(
      c.symbolic ? specialise(graph, { batch: c.inputs[c.symbolic[0]!]!.shape[0]! }) : graph,
    );
    const gradients = interpret(differentiate(fixed, { loss: 'loss', wrt: floats }), feeds);
    for (const name of floats) {
      const differences = slopes(fixed, feeds, name, 6);
      const gradient = gradients[gradientName(name)]!.data.slice(0, differences.length);
      expect(relativeError(gradient, differences, 1e-2)).toBeLessThan(1e-7);
    }
  });
});
