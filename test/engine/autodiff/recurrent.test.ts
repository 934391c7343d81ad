import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/engine/autodiff/index.ts';
import {
  decodeModel,
  encodeModel,
  GraphBuilder,
  interpret,
  tensor,
  type Value,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';

const waves = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i));

function weights(g: GraphBuilder, gates: number): [Value, Value, Value] {
  return [
    g.input('x', 'float32', [4, 'batch', 3]),
    g.parameter('w', [1, gates * 2, 3], waves(gates * 6)),
    g.parameter('r', [1, gates * 2, 2], waves(gates * 4)),
  ];
}

describe('recurrent operators', () => {
  it('keep attributes and left-out outputs when written and read again', () => {
    // given: as exporters write it, with the last state alone
    const g = new GraphBuilder('written');
    const [x, w, r] = weights(g, 1);
    const [, last] = g.ops('RNN', [x, w, r], { activations: ['Relu'], hidden_size: 2 }, 2);
    g.output('loss', g.reduceSum(last!));
    const built = g.build();
    const graph = {
      ...built,
      nodes: built.nodes.map((node) =>
        node.op === 'RNN' ? { ...node, outputs: ['', node.outputs[1]!] } : node,
      ),
    };
    const feeds = {
      x: tensor(
        'float32',
        [4, 2, 3],
        [...waves(24)].map((v) => v + 0.5),
      ),
    };
    // when
    const read = decodeModel(encodeModel(graph, { parametersAs: 'initializers' }));
    // then
    expect(read.nodes).toEqual(graph.nodes);
    const [whole, named] = [built, read].map((each) =>
      interpret(differentiate(each, { loss: 'loss', wrt: ['w', 'r'] }), feeds),
    );
    expect(named!['grad:w']!.data).toEqual(whole!['grad:w']!.data);
    expect(named!['grad:r']!.data).toEqual(whole!['grad:r']!.data);
    expect(Math.hypot(...named!['grad:r']!.data)).toBeGreaterThan(0.1);
  });

  it('are differentiated twice', () => {
    // given: the sum of the squared gradient by x, by finite differences and by differentiating the gradient
    const g = new GraphBuilder('twice');
    const [x, w, r] = weights(g, 3);
    g.output(
      'loss',
      g.reduceSum(g.square(g.op('GRU', [x, w, r], { hidden_size: 2, linear_before_reset: 1 }))),
    );
    const once = GraphBuilder.from(differentiate(g.build(), { loss: 'loss', wrt: ['x'] }));
    once.output('steepness', once.reduceSum(once.square(once.value('grad:x'))));
    const graph = once.build();
    const feeds = { x: tensor('float32', [4, 1, 3], [...waves(12)]) };
    const base = Float64Array.from(waves(12));
    const steepness = (i: number, delta: number): number => {
      const moved = base.map((v, j) => (j === i ? v + delta : v));
      return interpret(graph, { ...feeds, r: tensor('float32', [1, 6, 2], moved) }).steepness!.data[0]!;
    };
    // when
    const gradient = interpret(differentiate(graph, { loss: 'steepness', wrt: ['r'] }), feeds)['grad:r']!
      .data;
    // then
    const expected = Array.from(base, (_, i) => (steepness(i, 1e-5) - steepness(i, -1e-5)) / 2e-5);
    expect(relativeError(gradient, expected)).toBeLessThan(1e-8);
  });

  it('say which node and what is not supported', () => {
    // given
    const g = new GraphBuilder('wrong');
    const [x, w, r] = weights(g, 4);
    const attempt = (attributes: Record<string, number | string | string[]>) => () =>
      g.op('LSTM', [x, w, r], attributes);
    const peepholes = g.constant(tensor('float32', [1, 6], [...waves(6)]));
    // when / then
    expect(attempt({ activations: ['Relu', 'Tanh', 'Tanh'] })).toThrow(
      /LSTM_\d+ \(LSTM\).*activations must be Sigmoid,Tanh,Tanh, not Relu,Tanh,Tanh/,
    );
    expect(attempt({ direction: 'backward' })).toThrow('direction must be forward, reverse or bidirectional');
    expect(attempt({ layout: 1 })).toThrow('layout must be 0');
    expect(attempt({ clip: 1 })).toThrow('clip is not supported');
    expect(attempt({ hidden_size: 3 })).toThrow('hidden_size is not 2');
    expect(attempt({ direction: 'bidirectional' })).toThrow('the input weight (input 1) must be [2, 8, 3]');
    const omitted = [undefined, undefined, undefined, undefined];
    expect(() => g.op('LSTM', [x, w, r, ...omitted, peepholes])).toThrow('peephole weights (input 7)');
    expect(() => g.op('GRU', [x, w, r])).toThrow('the input weight (input 1) must be [1, 6, 3]');
  });
});
