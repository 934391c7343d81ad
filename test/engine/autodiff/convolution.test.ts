import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/engine/autodiff/index.ts';
import { type Attributes, GraphBuilder, GraphError, specialise } from '../../../lib/engine/onnx/index.ts';

describe('convolutions and pools', () => {
  it('follow a length by name where the windows keep it, and need it fixed for the gradient', () => {
    // given
    const g = new GraphBuilder('open');
    const x = g.input('x', 'float32', ['batch', 2, 'time']);
    const weight = g.parameter('weight', [4, 2, 3], new Float32Array(24).fill(0.1));
    // when
    const kept = g.op('Conv', [x, weight], { pads: [1, 1] });
    const shorter = g.op('Conv', [x, weight]);
    g.output('kept', kept);
    g.output('loss', g.reduceSum(g.op('GlobalMaxPool', [shorter])));
    const graph = g.build();
    // then
    expect(kept.shape).toEqual(['batch', 4, 'time']);
    expect(typeof shorter.shape[2]).toBe('string');
    expect(shorter.shape[2]).not.toBe('time');
    expect(() => differentiate(graph, { loss: 'loss', wrt: ['x'] })).toThrow('specialise first');
    const fixed = differentiate(specialise(graph, { batch: 2, time: 6 }), { loss: 'loss', wrt: ['x'] });
    expect(fixed.values.get('grad:x')!.shape).toEqual([2, 2, 6]);
  });

  it('say which node and what does not fit', () => {
    // given
    const g = new GraphBuilder('wrong');
    const x = g.input('x', 'float32', ['batch', 4, 5]);
    const weight = (...shape: number[]) =>
      g.constant({ dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
    const conv = (shape: number[], attributes: Attributes) => () =>
      g.op('Conv', [x, weight(...shape)], attributes);
    const pool = (attributes: Attributes) => () => g.op('MaxPool', [x], attributes);
    // when / then
    expect(conv([2, 3, 1], {})).toThrow(/Conv_\d+ \(Conv\).*4 channels are not 1 groups of 3/);
    expect(conv([3, 2, 1], { group: 2 })).toThrow('3 outputs do not divide into 2 groups');
    expect(conv([2, 4, 6], {})).toThrow('the window of 6 is longer than axis 2');
    expect(conv([2, 4, 3], { kernel_shape: [2] })).toThrow('kernel_shape [2] is not that of the weight');
    expect(conv([2, 4, 3], { pads: [1] })).toThrow('pads [1] do not fit a window of 1 axes');
    expect(conv([2, 4, 3], { strides: [0] })).toThrow('strides [0] must not be below 1');
    expect(conv([2, 4, 3], { auto_pad: 'SAME' })).toThrow('auto_pad must be one of');
    expect(conv([2, 4, 3, 3], {})).toThrow('of the same rank');
    expect(pool({})).toThrow('kernel_shape is missing');
    expect(pool({ kernel_shape: [2], pads: [2, 0] })).toThrow('pads [2,0] must be smaller than the window');
    expect(pool({ kernel_shape: [2, 2] })).toThrow('a window of 2 axes does not fit 1 spatial axes');
    expect(pool({ kernel_shape: [2], storage_order: 1 })).toThrow(GraphError);
  });
});
