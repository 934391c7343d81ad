import { describe, expect, it } from 'vitest';
import {
  encodeModel,
  type Graph,
  GraphBuilder,
  interpret,
  removeDeadCode,
  selectOutputs,
  specialise,
  tensor,
} from '../../../lib/engine/onnx/index.ts';

function model(): Graph {
  const g = new GraphBuilder('model');
  const x = g.input('x', 'float32', ['batch', 'time', 4]);
  const y = g.input('y', 'float32', ['batch']);
  const w = g.parameter('w', [4], Float32Array.of(1, 2, 3, 4));
  g.parameter('unused', [1], Float32Array.of(0));
  g.neg(x);
  const positions = g.op('Range', [
    g.constant(0, 'int64'),
    g.squeeze(g.op('Shape', [x], { start: 1, end: 2 }), [0]),
    g.constant(1, 'int64'),
  ]);
  const scores = g.add(g.reduceSum(g.mul(x, w), [2]), g.cast(positions, 'float32')); // (batch, time)
  const logit = g.reduceMean(scores, [1]);
  g.output('logit', logit);
  g.output('loss', g.reduceMean(g.square(g.sub(logit, y))));
  return g.build();
}

const feeds = {
  x: tensor(
    'float32',
    [2, 3, 4],
    Float64Array.from({ length: 24 }, (_, i) => i / 10),
  ),
  y: tensor('float32', [2], [1, 2]),
};

describe('removeDeadCode', () => {
  it('drops nodes and constants that no output needs and keeps the interface', () => {
    // given
    const graph = model();
    // when
    const lean = removeDeadCode(graph);
    // then
    expect(graph.nodes.filter(({ op }) => op === 'Neg').length).toBe(1);
    expect(lean.nodes.filter(({ op }) => op === 'Neg')).toEqual([]);
    expect(lean.nodes.length).toBe(graph.nodes.length - 1);
    expect(lean.parameters).toEqual(graph.parameters);
    expect(interpret(lean, feeds)).toEqual(interpret(graph, feeds));
  });
});

describe('selectOutputs', () => {
  it('cuts the scoring graph out: no label, no unused parameter', () => {
    // given / when
    const scoring = selectOutputs(model(), ['logit']);
    // then
    expect(scoring.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(scoring.parameters.map(({ name }) => name)).toEqual(['w']);
    expect(interpret(scoring, { x: feeds.x }).logit).toEqual(interpret(model(), feeds).logit);
    expect(() => selectOutputs(model(), ['probability'])).toThrow('Graph model has no value probability');
  });
});

describe('specialise', () => {
  it('fixes sizes and folds what follows from them', () => {
    // given
    const graph = model();
    // when
    const fixed = specialise(graph, { batch: 2, time: 3 });
    // then
    expect(fixed.inputs[0]!.shape).toEqual([2, 3, 4]);
    expect(fixed.outputs.map(({ shape }) => shape)).toEqual([[2], []]);
    expect(fixed.nodes.filter(({ op }) => op === 'Shape' || op === 'Range' || op === 'Squeeze')).toEqual([]);
    expect(interpret(fixed, feeds)).toEqual(interpret(graph, feeds));
    expect(encodeModel(fixed, { parametersAs: 'inputs' })).toEqual(
      encodeModel(specialise(graph, { time: 3, batch: 2 }), { parametersAs: 'inputs' }),
    );
  });

  it('leaves other names symbolic', () => {
    // given / when
    const fixed = specialise(model(), { time: 3 });
    // then
    expect(fixed.inputs[0]!.shape).toEqual(['batch', 3, 4]);
    expect(interpret(fixed, feeds)).toEqual(interpret(model(), feeds));
  });

  it('refuses unknown axes, bad sizes and sizes that do not fit', () => {
    // given
    const g = new GraphBuilder('fits');
    g.output('y', g.add(g.input('x', 'float32', ['n']), g.constant([1, 2, 3])));
    // when / then
    expect(() => specialise(model(), { rows: 2 })).toThrow(
      'No input has an axis rows; the named axes are: batch, time',
    );
    expect(() => specialise(model(), { batch: 0 })).toThrow('Size batch must be a positive integer, not 0');
    expect(() => specialise(g.build(), { n: 4 })).toThrow(/Add.*do not broadcast/);
  });
});
