import { describe, expect, it } from 'vitest';
import { createRng, TrainError } from '../../../lib/engine/host/index.ts';
import { GraphBuilder, GraphError, interpret, specialise, tensor } from '../../../lib/engine/onnx/index.ts';
import { DropoutMasks, dropoutPlaces, insertDropout } from '../../../lib/engine/train/index.ts';
import { encoderGraph } from './small-encoder.ts';

function linearGraph() {
  const g = new GraphBuilder('linear');
  const x = g.label('hidden', g.mul(g.input('x', 'float32', [4, 6]), 3));
  g.output('y', g.add(x, 1));
  g.output('hidden', x);
  return g.build();
}

describe('insertDropout', () => {
  it('scales what it keeps, and all readers see it', () => {
    // given a rate of 64/256
    const { graph, sites } = insertDropout(linearGraph(), { rate: 0.25, after: ['hidden'] });
    const mask = Array.from({ length: 24 }, (_, i) => Number(i % 4 !== 0));
    const x = tensor(
      'float32',
      [4, 6],
      Array.from({ length: 24 }, (_, i) => i),
    );
    // when
    const { y, hidden } = interpret(graph, { x, 'dropout:hidden': tensor('bool', [4, 6], mask) });
    // then
    expect(sites).toEqual([{ input: 'dropout:hidden', shape: [4, 6], dropped: 64 }]);
    const expected = mask.map((kept, i) => (kept * 3 * i) / 0.75);
    for (const [i, value] of expected.entries()) {
      expect(hidden!.data[i]).toBeCloseTo(value, 5);
      expect(y!.data[i]).toBeCloseTo(value + 1, 5);
    }
  });

  it('has a rate per value, and leaves the graph as it is at a rate of 0', () => {
    // given
    const graph = specialise(encoderGraph(), { batch: 2, length: 5 });
    const { attention, residual } = dropoutPlaces(graph);
    // when
    const first = insertDropout(graph, { rate: 0.1, after: attention });
    const both = insertDropout(first.graph, { rate: 0.5, after: residual });
    // then
    expect([...first.sites, ...both.sites].map(({ shape, dropped }) => [shape, dropped])).toEqual([
      [[2, 5, 5], 26],
      [[2, 5, 8], 128],
      [[2, 5, 8], 128],
    ]);
    expect(both.graph.inputs.length).toBe(graph.inputs.length + 3);
    expect(insertDropout(graph, { rate: 0, after: [/./] })).toEqual({ graph, sites: [] });
  });

  it('refuses rates, names and shapes that it cannot use', () => {
    const graph = linearGraph();
    for (const rate of [-0.1, 1, 0.999, 0.001, Number.NaN])
      expect(() => insertDropout(graph, { rate, after: ['hidden'] })).toThrow(TrainError);
    expect(() => insertDropout(graph, { rate: 0.1, after: ['hiden', /hid/] })).toThrow(
      /after hiden, .* has hidden/,
    );
    expect(() => insertDropout(graph, { rate: 0.1, after: [] })).toThrow(GraphError);
    const once = insertDropout(graph, { rate: 0.1, after: ['hidden'] }).graph;
    expect(() => insertDropout(once, { rate: 0.1, after: ['hidden'] })).toThrow(/hidden already/);
    const symbolic = encoderGraph();
    expect(() => insertDropout(symbolic, { rate: 0.1, after: dropoutPlaces(symbolic).residual })).toThrow(
      /specialise the graph first/,
    );
  });
});

describe('dropoutPlaces', () => {
  it('sees attention through a guard, and no residual in a GELU in pieces', () => {
    // given a feed-forward sublayer with x + x³ behind its first layer, and guarded attention probabilities
    const g = new GraphBuilder('pieces');
    const x = g.input('x', 'float32', [2, 3, 4]);
    const weight = (name: string) => g.parameter(name, [4, 4], new Float32Array(16));
    const up = g.matmul(x, weight('up'));
    const down = g.matmul(g.tanh(g.add(up, g.pow(up, 3))), weight('down'));
    const weights = g.softmax(g.matmul(x, g.transpose(x, [0, 2, 1])));
    const guarded = g.where(g.less(weights, 0), 0, weights);
    g.output('y', g.matmul(guarded, g.add(x, down)));
    // when
    const places = dropoutPlaces(g.build());
    // then
    expect(places).toEqual({ attention: [weights.name], residual: [down.name] });
  });
});

describe('DropoutMasks', () => {
  const sites = [
    { input: 'dropout:a', shape: [30, 20], dropped: 64 },
    { input: 'dropout:b', shape: [7], dropped: 128 },
  ];
  const masks = () => new DropoutMasks({ sites, rng: createRng(3) });

  it('are a function of seed, step and site, whatever the order', () => {
    // given
    const first = masks();
    const asked = [5, 0, 3].map((step) => [step, first.at(step)] as const);
    // when / then
    const other = new DropoutMasks({ sites: sites.toReversed(), rng: createRng(3) });
    for (const [step, mask] of asked.toReversed()) expect(other.at(step)).toEqual(mask);
    expect(first.at(0)).not.toEqual(first.at(1));
    expect(new DropoutMasks({ sites, rng: createRng(4) }).at(0)).not.toEqual(first.at(0));
    const twins = sites.map((site) => ({ ...site, shape: [64], dropped: 128 }));
    const { 'dropout:a': a, 'dropout:b': b } = new DropoutMasks({ sites: twins, rng: createRng(3) }).at(0);
    expect(a!.data).not.toEqual(b!.data);
  });

  it('drop the share asked for', () => {
    // given 40 masks of 600 values
    const of = masks();
    const values = Array.from({ length: 40 }, (_, step) => [
      ...(of.at(step)['dropout:a']!.data as Uint8Array),
    ]).flat();
    // when
    const kept = values.filter((value) => value === 1).length / values.length;
    // then within 4 standard errors of 3/4
    expect(new Set(values)).toEqual(new Set([0, 1]));
    expect(Math.abs(kept - 0.75)).toBeLessThan(4 * Math.sqrt((0.75 * 0.25) / 24_000));
    expect(of.at(0)['dropout:b']!.data.buffer.byteLength).toBe(7);
  });
});
