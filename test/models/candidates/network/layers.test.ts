import { describe, expect, it } from 'vitest';
import { createRng } from '../../../../lib/engine/host/index.ts';
import { GraphBuilder, interpret } from '../../../../lib/engine/onnx/index.ts';
import { Layers } from '../../../../lib/models/candidates/network/layers.ts';
import { floats } from './small.ts';

function build(make: (layers: Layers, g: GraphBuilder) => void) {
  const g = new GraphBuilder('layers');
  make(new Layers(g, createRng(4)), g);
  return g.build();
}

const valuesOf = (graph: ReturnType<typeof build>) =>
  Object.fromEntries(graph.parameters.map(({ name, data }) => [name, data]));

describe('layers', () => {
  it('draw a parameter by its name alone, whatever stands beside it', () => {
    // given
    const alone = build((layers, g) =>
      g.output('y', layers.dense('head', g.input('x', 'float32', [1, 3]), 3, 2)),
    );
    const beside = build((layers, g) => {
      const x = g.input('x', 'float32', [1, 3]);
      g.output('y', layers.dense('head', layers.dense('before', x, 3, 3), 3, 2));
    });
    // then
    expect(valuesOf(beside)['head.weight']).toEqual(valuesOf(alone)['head.weight']);
    expect(valuesOf(beside)['before.weight']!.subarray(0, 6)).not.toEqual(valuesOf(alone)['head.weight']);
    expect(valuesOf(alone)['head.bias']).toEqual(new Float32Array(2));
  });

  it('draw signs that tell the members of an ensemble apart, and heads without effect', () => {
    // given
    const graph = build((layers, g) => {
      const x = g.input('x', 'float32', [2, 5]);
      g.output('y', layers.memberMlp('mlp', x, { width: 5, hidden: 3, layers: 2, members: 4, outputs: 2 }));
    });
    // when
    const { y } = interpret(graph, { x: floats(createRng('x').normals(10), [2, 5]) });
    // then
    const signs = valuesOf(graph)['mlp.signs']!;
    expect(new Set(signs)).toEqual(new Set([-1, 1]));
    const rows = [0, 1, 2, 3].map((m) => signs.subarray(m * 5, m * 5 + 5).join());
    expect(new Set(rows).size).toBe(4);
    expect(y!.shape).toEqual([2, 4, 2]);
    expect(y!.data.every((value) => value === 0)).toBe(true);
  });

  it('attend to visible places only', () => {
    // given: a layer over three places, of which the last is hidden
    const graph = build((layers, g) => {
      const x = g.input('x', 'float32', [1, 3, 4]);
      const bias = g.input('bias', 'float32', [1, 1, 1, 3]);
      g.output('y', layers.transformerLayer('layer', x, bias, { width: 4, heads: 2 }));
    });
    const places = createRng('places').normals(12);
    const other = Float32Array.from(places, (v, i) => (i < 8 ? v : v + 1));
    const run = (x: Float32Array, bias: number[]) =>
      interpret(graph, { x: floats(x, [1, 3, 4]), bias: floats(Float32Array.from(bias), [1, 1, 1, 3]) }).y!
        .data;
    // then
    const hidden = [0, 0, -1e9];
    expect(run(other, hidden).subarray(0, 8)).toEqual(run(places, hidden).subarray(0, 8));
    expect(run(other, [0, 0, 0]).subarray(0, 8)).not.toEqual(run(places, [0, 0, 0]).subarray(0, 8));
  });
});
