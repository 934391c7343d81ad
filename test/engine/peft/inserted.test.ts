import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/engine/autodiff/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { GraphBuilder, type Value, withParameters } from '../../../lib/engine/onnx/index.ts';
import { applyBottlenecks, applyPrefix, PeftError, trainable } from '../../../lib/engine/peft/index.ts';
import { exactly, largestDifference } from './oracle.ts';
import { BATCH, batch, drawn, encoder, HEADS, LENGTH, WIDTH } from './small.ts';

const rng = createRng(4);
const random = (g: GraphBuilder, name: string, ...shape: number[]) =>
  g.parameter(
    name,
    shape,
    createRng(name).normals(
      shape.reduce((a, b) => a * b, 1),
      0.5,
    ),
  );

describe('bottleneck adapters', () => {
  it('stand before both joins of every layer and start close to the base', () => {
    // given
    const base = encoder();
    // when
    const { graph, adapter } = applyBottlenecks(base, { size: 3, rng });
    // then
    expect(adapter.places).toEqual([
      { name: 'layer.0.attention.output.dense', width: WIDTH },
      { name: 'layer.0.ffn.down', width: WIDTH },
      { name: 'layer.1.attention.output.dense', width: WIDTH },
      { name: 'layer.1.ffn.down', width: WIDTH },
    ]);
    expect(trainable(graph, 'adapter')).toHaveLength(16);
    const change = largestDifference(exactly(graph, 'hidden'), exactly(base, 'hidden'));
    expect(change).toBeGreaterThan(0);
    expect(change).toBeLessThan(0.01);
    const weights = graph.parameters.filter(({ name }) => /^adapter.*weight$/.test(name));
    expect(Math.max(...weights.flatMap(({ data }) => [...data].map(Math.abs)))).toBeLessThanOrEqual(0.02);
    expect(applyBottlenecks(base, { size: 3, after: ['feed-forward'], rng }).adapter.places).toHaveLength(2);
  });

  it('are h + gelu(h D + d) U + u', () => {
    // given a feed-forward sublayer
    const build = (changed: boolean) => {
      const g = new GraphBuilder('sublayer');
      const x = g.input('x', 'float32', ['batch', 4]);
      const h = g.linear(x, random(g, 'w', 4, 4), random(g, 'a.bias', 4));
      const at = 'adapter.a';
      const inside = () =>
        g.linear(
          g.gelu(g.linear(h, random(g, `${at}.down.weight`, 4, 2), random(g, `${at}.down.bias`, 2))),
          random(g, `${at}.up.weight`, 2, 4),
          random(g, `${at}.up.bias`, 4),
        );
      g.output('y', g.add(x, changed ? g.add(h, inside()) : h));
      return g.build();
    };
    const expected = build(true);
    const { graph } = applyBottlenecks(build(false), { size: 2, rng });
    const values = Object.fromEntries(expected.parameters.map(({ name, data }) => [name, data]));
    const x = { type: 'float32', shape: [2, 4], data: createRng(1).normals(8) } as const;
    // when
    const outputs = [withParameters(graph, values), expected].map((g) => exactly(g, 'y', { x }));
    // then
    expect(largestDifference(outputs[0]!, outputs[1]!)).toBeLessThan(1e-12);
  });

  it('refuse a graph without sublayers, a second time, and sizes out of range', () => {
    const g = new GraphBuilder('plain');
    g.output('y', g.tanh(g.input('x', 'float32', [2])));
    expect(() => applyBottlenecks(g.build(), { size: 2, rng })).toThrow(/no attention or feed-forward/);
    const { graph } = applyBottlenecks(encoder(), { size: 2, rng });
    expect(() => applyBottlenecks(graph, { size: 2, rng })).toThrow(PeftError);
    expect(() => applyBottlenecks(encoder(), { size: 0, rng })).toThrow(PeftError);
  });
});

describe('prefix tuning', () => {
  it('is attention over keys and values with the prefix in front, which no mask hides', () => {
    // given the attention of a head, with the prefix joined to keys and values by hand, and the mask widened
    const [length, width] = [2, WIDTH / HEADS];
    const build = (changed: boolean) => {
      const g = new GraphBuilder('attention');
      const x = g.input('x', 'float32', [BATCH, HEADS, LENGTH, width]);
      const hiding = g.input('hiding', 'float32', [BATCH, 1, 1, LENGTH]);
      const part = (name: string) => g.matmul(x, random(g, name, width, width));
      const [q, k, v] = [part('q'), part('k'), part('v')];
      const joined = (name: string, y: Value) =>
        changed
          ? g.concat([g.expand(random(g, name, HEADS, length, width), [BATCH, HEADS, length, width]), y], 2)
          : y;
      const wide = changed ? g.concat([g.expand(g.constant(0), [BATCH, 1, 1, length]), hiding], 3) : hiding;
      const keys = g.transpose(joined('prefix.0.keys', k), [0, 1, 3, 2]);
      const weights = g.softmax(g.add(g.mul(g.matmul(q, keys), 0.4), wide));
      g.output('y', g.matmul(weights, joined('prefix.0.values', v)));
      return g.build();
    };
    const expected = build(true);
    const { graph, adapter } = applyPrefix(build(false), { length, rng });
    const values = Object.fromEntries(expected.parameters.map(({ name, data }) => [name, data]));
    const feeds = {
      x: {
        type: 'float32',
        shape: [BATCH, HEADS, LENGTH, width],
        data: rng.normals(BATCH * LENGTH * WIDTH),
      },
      hiding: {
        type: 'float32',
        shape: [BATCH, 1, 1, LENGTH],
        // the last row is hidden altogether
        data: Float32Array.from({ length: BATCH * LENGTH }, (_, i) => (i % 4 === 0 || i >= 10 ? -1e9 : 0)),
      },
    } as const;
    // when
    const outputs = [withParameters(graph, values), expected].map((g) => exactly(g, 'y', feeds));
    // then
    expect(adapter.attentions).toEqual([{ heads: HEADS, headWidth: width }]);
    expect(largestDifference(outputs[0]!, outputs[1]!)).toBeLessThan(1e-12);
  });

  it('has a part in every attention of an encoder, and gradients', () => {
    // given
    const g = GraphBuilder.from(encoder());
    g.output('loss', g.reduceMean(g.square(g.value('hidden'))));
    const { graph } = applyPrefix(g.build(), { length: 3, rng });
    const wrt = trainable(graph, 'prefix');
    // when
    const gradients = differentiate(withParameters(graph, drawn(graph, wrt)), { loss: 'loss', wrt });
    // then
    expect(wrt).toEqual(['prefix.0.keys', 'prefix.0.values', 'prefix.1.keys', 'prefix.1.values']);
    for (const name of wrt) {
      expect(Math.max(...exactly(gradients, `grad:${name}`, batch()).map(Math.abs))).toBeGreaterThan(1e-6);
    }
  });

  it('refuses a graph without attention, a second time, and lengths out of range', () => {
    const g = new GraphBuilder('plain');
    g.output('y', g.softmax(g.input('x', 'float32', [2, 2, 3, 3])));
    expect(() => applyPrefix(g.build(), { length: 2, rng })).toThrow(/no attention of four axes/);
    const { graph } = applyPrefix(encoder(), { length: 2, rng });
    expect(() => applyPrefix(graph, { length: 2, rng })).toThrow(PeftError);
    expect(() => applyPrefix(encoder(), { length: 0, rng })).toThrow(PeftError);
  });
});
