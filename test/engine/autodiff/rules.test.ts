import { describe, expect, it } from 'vitest';
import { differentiate, gradientName, gradientRules } from '../../../lib/engine/autodiff/index.ts';
import {
  type Graph,
  GraphBuilder,
  interpret,
  type OpType,
  operators,
  specialise,
  type Tensor,
  tensor,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';
import { apart, uniform } from '../onnx/support/random.ts';
import { runGraph } from '../onnx/support/runtime.ts';
import { type Case, cases } from './cases.ts';

const names = Object.keys(operators) as OpType[];
const all = names.flatMap((op) => (cases[op] ?? []).map((c, i) => ({ op, label: `${op} ${i}`, c })));

/** The case's inputs, seeded by their count and size. */
function drawFeeds(c: Case): Record<string, Tensor> {
  const random = uniform(42);
  return Object.fromEntries(
    c.inputs.map(({ shape, from = -2, to = 2, ids }, i) => {
      const count = shape.reduce((n, dim) => n * dim, 1);
      if (ids) return [`x${i}`, tensor('int64', shape, ids)];
      return [`x${i}`, tensor('float32', shape, apart(count, from, to, random).map(Math.fround))];
    }),
  );
}

/** loss = Σ y √(1 + y²), smooth and with another slope at each y; in the symbolic form the first axis of every input is named. */
function buildLoss(c: Case, symbolic: boolean): Graph {
  const g = new GraphBuilder('case');
  const first = c.inputs[0]!.shape[0];
  const x = c.inputs.map(({ shape, ids }, i) => {
    const dims = shape.map((dim, d) => (symbolic && d === 0 && dim === first && dim !== 1 ? 'batch' : dim));
    const widest = Math.max(...c.inputs.map((input) => input.shape.length));
    return g.input(`x${i}`, ids ? 'int64' : 'float32', shape.length === widest ? dims : shape);
  });
  const y = c.build(g, x);
  g.output('y', y);
  g.output('loss', g.reduceSum(g.mul(y, g.sqrt(g.add(g.square(y), 1)))));
  return g.build();
}

function floats(c: Case): string[] {
  return c.inputs.flatMap((input, i) => (input.ids ? [] : [`x${i}`]));
}

/** Five-point central differences, error O(h⁴). */
function finiteDifferences(graph: Graph, feeds: Record<string, Tensor>, name: string): number[] {
  const h = 1e-3;
  const base = feeds[name]!;
  const at = (i: number, delta: number): number => {
    const data = Float64Array.from(base.data as Float64Array);
    data[i]! += delta;
    return interpret(graph, { ...feeds, [name]: { ...base, data } }).loss!.data[0]!;
  };
  return Array.from({ length: base.data.length }, (_, i) => {
    return (8 * (at(i, h) - at(i, -h)) - (at(i, 2 * h) - at(i, -2 * h))) / (12 * h);
  });
}

describe('gradient rules', () => {
  it('have a case for every operator with a gradient', () => {
    const untested = names.filter((op) => gradientRules[op] !== 'none' && !cases[op]);
    expect(untested).toEqual([]);
  });

  it.each(all)(
    '$label: agrees with finite differences in float64 and with the runtime in float32',
    async ({ c }) => {
      // given
      const graph = buildLoss(c, false);
      const feeds = drawFeeds(c);
      // when
      const gradients = differentiate(graph, { loss: 'loss', wrt: floats(c) });
      const exact = interpret(gradients, feeds);
      const single = await runGraph(gradients, feeds);
      // then
      expect(relativeError(single.y!.data, exact.y!.data)).toBeLessThan(1e-5);
      for (const name of floats(c)) {
        const gradient = exact[gradientName(name)]!;
        expect(gradient.shape).toEqual(feeds[name]!.shape);
        expect(relativeError(gradient.data, finiteDifferences(graph, feeds, name))).toBeLessThan(1e-8);
        expect(single[gradientName(name)]!.shape).toEqual(feeds[name]!.shape);
        expect(relativeError(single[gradientName(name)]!.data, gradient.data)).toBeLessThan(1e-4);
      }
    },
  );

  it.each(all.filter(({ c }) => c.symbolic !== false))(
    '$label: keeps a symbolic batch, before and after specialise',
    async ({ c }) => {
      // given
      const fixed = differentiate(buildLoss(c, false), { loss: 'loss', wrt: floats(c) });
      const symbolic = buildLoss(c, true);
      const feeds = drawFeeds(c);
      const expected = interpret(fixed, feeds);
      // when
      const gradients = differentiate(symbolic, { loss: 'loss', wrt: floats(c) });
      const named = symbolic.inputs.some(({ shape }) => shape.includes('batch'));
      const special = named ? specialise(gradients, { batch: c.inputs[0]!.shape[0]! }) : gradients;
      const single = await runGraph(gradients, feeds);
      // then
      for (const name of floats(c)) {
        const gradient = expected[gradientName(name)]!;
        expect(
          relativeError(interpret(gradients, feeds)[gradientName(name)]!.data, gradient.data),
        ).toBeLessThan(1e-12);
        expect(
          relativeError(interpret(special, feeds)[gradientName(name)]!.data, gradient.data),
        ).toBeLessThan(1e-12);
        expect(relativeError(single[gradientName(name)]!.data, gradient.data)).toBeLessThan(1e-4);
      }
      expect(special.nodes.filter(({ op }) => op === 'Shape' || op === 'Size')).toEqual([]);
    },
  );
});
