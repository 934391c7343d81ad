import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel, GraphBuilder, importModel } from '../../../lib/engine/onnx/index.ts';
import { runModel, toRuntime } from './support/runtime.ts';

/** y = x W + b with x a single 1, so y shows the weights as the runtime reads them. */
function shown(weights: readonly number[]) {
  const g = new GraphBuilder('shown');
  const w = g.parameter('w', [1, weights.length], Float32Array.from(weights));
  const b = g.parameter('b', [weights.length], new Float32Array(weights.length).fill(1 / 3));
  const x = g.input('x', 'float32', ['batch', 1]);
  g.output('y', g.sub(g.linear(x, w, b), b));
  return g.build();
}

const one = { x: toRuntime({ dtype: 'float32', shape: [1, 1], data: Float32Array.of(1) }) };

describe('weights stored as float16', () => {
  it('are rounded to the nearest, ties to even, subnormals included', async () => {
    // given: values and their float16 by numpy
    const rounded = [
      [0.1, 0.0999755859375],
      [-1 / 3, -0.333251953125],
      [65_504, 65_504],
      [2048.5, 2048],
      [2049, 2048],
      [2051, 2052],
      [4095.9, 4096],
      [6.1e-5, 6.097555160522461e-5],
      [6e-8, 2 ** -24],
      [2.9e-8, 0],
    ] as const;
    const graph = shown(rounded.map(([value]) => value));
    // when
    const read = decodeModel(encodeModel(graph, { parametersAs: 'initializers', weights: 'float16' }));
    // then
    expect([...read.parameters[0]!.data]).toEqual(rounded.map(([, half]) => half));
  });

  it('run as what is read back, under their names; vectors keep all digits', async () => {
    // given
    const graph = shown(Array.from({ length: 4096 }, (_, i) => Math.sin(i)));
    // when
    const bytes = encodeModel(graph, { parametersAs: 'initializers', weights: 'float16' });
    const output = await runModel(bytes, one);
    // then
    for (const read of [decodeModel(bytes), importModel(bytes)]) {
      expect(read.parameters.map(({ name }) => name)).toEqual(['w', 'b']);
      const [w, b] = read.parameters;
      expect(b!.data).toEqual(graph.parameters[1]!.data);
      const again = await runModel(encodeModel(read, { parametersAs: 'initializers' }), one);
      expect(again.y!.data).toEqual(output.y!.data);
      expect(w!.data).not.toEqual(graph.parameters[0]!.data);
    }
    expect(bytes.length).toBeLessThan(0.8 * encodeModel(graph, { parametersAs: 'initializers' }).length);
  });

  it('must lie within its range', () => {
    expect(() => encodeModel(shown([70_000]), { parametersAs: 'initializers', weights: 'float16' })).toThrow(
      /Weight w holds 70000/,
    );
  });
});
