import { describe, expect, it } from 'vitest';
import { gradientRules } from '../../../lib/engine/autodiff/index.ts';
import {
  GraphBuilder,
  interpret,
  type OpType,
  operators,
  tensor,
  type Value,
} from '../../../lib/engine/onnx/index.ts';
import { runGraph } from './support/runtime.ts';

type Build = (g: GraphBuilder, a: Value, b: Value, i: Value) => Value | Value[];

/** Operators without a gradient, whose kernels the gradient tests do not reach. */
const cases: Partial<Record<OpType, Build[]>> = {
  Equal: [(g, a, b) => g.equal(a, b), (g, _a, _b, i) => g.equal(i, 2)],
  Less: [(g, a, b) => g.less(a, b)],
  LessOrEqual: [(g, a, b) => g.lessOrEqual(a, b)],
  Greater: [(g, a, b) => g.greater(a, b)],
  GreaterOrEqual: [(g, a, b) => g.greaterOrEqual(a, b)],
  And: [(g, a, b) => g.and(g.less(a, 0), g.less(b, 0))],
  Or: [(g, a, b) => g.or(g.less(a, 0), g.less(b, 0))],
  Xor: [(g, a, b) => g.op('Xor', [g.less(a, 0), g.less(b, 0)])],
  Ceil: [(g, a) => g.op('Ceil', [a])],
  Round: [(g, a) => g.op('Round', [a])],
  IsInf: [
    (g, a) => g.op('IsInf', [g.log(g.abs(a))]),
    (g, a) => g.op('IsInf', [g.div(1, a)], { detect_negative: 0 }),
    (g, a) => g.op('IsInf', [g.log(g.abs(a))], { detect_negative: 0, detect_positive: 1 }),
  ],
  EyeLike: [
    (g, a) => g.op('EyeLike', [a]),
    (g, a) => g.op('EyeLike', [a], { dtype: 'int64', k: 1 }),
    (g, a) => g.op('EyeLike', [a], { k: -1 }),
  ],
  NonZero: [(g, a) => g.op('NonZero', [a]), (g, a) => g.op('NonZero', [g.less(a, 0)])],
  DynamicQuantizeLinear: [(g, a, b) => g.ops('DynamicQuantizeLinear', [g.add(a, b)], {}, 3)],
  MatMulInteger: [
    (g, a, b) => {
      const [quantised, , zero] = g.ops('DynamicQuantizeLinear', [g.add(a, b)], {}, 3);
      const weight = g.constant(tensor('uint8', [3, 2], [1, 2, 3, 4, 5, 250]));
      return g.op('MatMulInteger', [quantised, weight, zero, g.constant(tensor('uint8', [], [7]))]);
    },
  ],
  TreeEnsembleRegressor: [
    // two trees, one a single leaf; NaN (the root of a negative number) goes where missing goes
    (g, a) =>
      g.op('TreeEnsembleRegressor', [g.sqrt(a)], {
        nodes_treeids: [0, 0, 0, 0, 0, 1],
        nodes_nodeids: [0, 1, 2, 3, 4, 0],
        nodes_featureids: [0, 2, 0, 0, 0, 0],
        nodes_values: [1, 0.5, 0, 0, 0, 0],
        nodes_modes: ['BRANCH_LEQ', 'BRANCH_LEQ', 'LEAF', 'LEAF', 'LEAF', 'LEAF'],
        nodes_truenodeids: [1, 3, 0, 0, 0, 0],
        nodes_falsenodeids: [2, 4, 0, 0, 0, 0],
        nodes_missing_value_tracks_true: [1, 0, 0, 0, 0, 0],
        target_treeids: [0, 0, 0, 1],
        target_nodeids: [2, 3, 4, 0],
        target_ids: [0, 1, 0, 1],
        target_weights: [1.5, -2.25, 0.125, 4],
        n_targets: 2,
        base_values: [0.5, -0.5],
      }),
  ],
  Not: [(g, a) => g.not(g.less(a, 0))],
  Sign: [(g, a) => g.sign(a), (g, _a, _b, i) => g.sign(g.sub(i, 1))],
  Floor: [(g, a) => g.op('Floor', [a])],
  IsNaN: [(g, a) => g.op('IsNaN', [g.log(a)])],
  ArgMax: [
    (g, a) => g.op('ArgMax', [a], { axis: 1, keepdims: 0 }),
    (g, a) => g.op('ArgMax', [a], { axis: 0 }),
    (g, a) => g.op('ArgMax', [g.sign(a)], { axis: -1, select_last_index: 1 }),
  ],
  Shape: [
    (g, a) => g.op('Shape', [a]),
    (g, a) => g.op('Shape', [a], { start: -1 }),
    (g, a) => g.op('Shape', [a], { end: 1 }),
  ],
  Size: [(g, a) => g.op('Size', [a])],
  OneHot: [
    (g, _a, _b, i) => g.oneHot(i, 4),
    (g, _a, _b, i) => g.op('OneHot', [g.sub(i, 1), g.constant(3, 'int64'), g.constant([-1, 5])], { axis: 0 }),
  ],
  ConstantOfShape: [(g) => g.op('ConstantOfShape', [g.ints([2, 2])], { value: 0.5, dtype: 'float32' })],
  Range: [
    (g) => g.op('Range', [g.constant(5, 'int64'), g.constant(-2, 'int64'), g.constant(-3, 'int64')]),
    (g, _a, _b, i) =>
      g.op('Range', [
        g.constant(0, 'int64'),
        g.op('ReduceMax', [i], { keepdims: 0 }),
        g.constant(1, 'int64'),
      ]),
  ],
  // Forms of operators with a gradient that only integers or inference use.
  Mod: [
    (g, _a, _b, i) => g.op('Mod', [g.sub(i, 4), g.constant(3, 'int64')]),
    (g, _a, _b, i) => g.op('Mod', [g.sub(i, 4), g.constant(3, 'int64')], { fmod: 1 }),
  ],
  ReduceProd: [(g, _a, _b, i) => g.op('ReduceProd', [g.add(i, 1)])],
  Trilu: [(g, a) => g.op('Trilu', [a, g.constant(1, 'int64')])],
  GatherND: [(g, a, _b, i) => g.op('GatherND', [g.less(a, 0), g.reshape(g.min(i, 1), [3, 1])])],
  Div: [(g, _a, _b, i) => g.div(g.sub(i, 4), 2)],
  Cast: [(g, a) => g.cast(a, 'int64'), (g, a) => g.cast(a, 'bool'), (g, _a, _b, i) => g.cast(i, 'float32')],
  Slice: [
    [9, -9, -2],
    [-9, -9, -1],
    [-9, 2, 1],
    [1, 99, 1],
    [2, 1, 1],
    [-1, -4, -1],
  ].map(
    ([start, end, step]): Build =>
      (g, a) =>
        g.slice(a, 1, start!, end, step),
  ),
  Squeeze: [(g, a) => g.op('Squeeze', [g.unsqueeze(a, [0, 3])])],
  Split: [(g, a) => g.ops('Split', [g.transpose(a, [1, 0])], { axis: 0, num_outputs: 2 }, 2)],
  Expand: [(g, a) => g.op('Expand', [a, g.ints([2, 1, 3])])],
  TopK: [
    (g, a) => g.topK(a, 2),
    (g, a) => g.ops('TopK', [g.sign(a), g.ints([2])], { axis: 0, largest: 0 }, 2),
  ],
  Reshape: [(g, a) => g.op('Reshape', [a, g.ints([0, -1, 1])])],
  ReduceSum: [(g, a) => g.op('ReduceSum', [a], { noop_with_empty_axes: 1 })],
  LayerNormalization: [
    (g, a) => g.ops('LayerNormalization', [a, g.constant([1, 2, 3])], { epsilon: 1e-5 }, 3),
  ],
};

const all = (Object.keys(cases) as OpType[]).flatMap((op) =>
  cases[op]!.map((build, i) => ({ label: `${op} ${i}`, build })),
);

describe('the interpreter', () => {
  it('has a case for every operator without a gradient', () => {
    const untested = (Object.keys(operators) as OpType[]).filter(
      (op) => gradientRules[op] === 'none' && !cases[op],
    );
    expect(untested).toEqual([]);
  });

  it.each(all)('$label: agrees with the runtime', async ({ build }) => {
    // given
    const g = new GraphBuilder('case');
    const a = g.input('a', 'float32', [2, 3]);
    const b = g.input('b', 'float32', [3]);
    const i = g.input('i', 'int64', [3]);
    [build(g, a, b, i)].flat().forEach((value, n) => {
      g.output(`y${n}`, value);
    });
    const graph = g.build();
    const feeds = {
      a: tensor('float32', [2, 3], [-1.5, 0, 2, 2.5, -0.25, 1]),
      b: tensor('float32', [3], [-1.5, 0.5, 2]),
      i: tensor('int64', [3], [0, 2, 1]),
    };
    // when
    const expected = await runGraph(graph, feeds);
    const outputs = interpret(graph, feeds);
    // then
    for (const { name, shape } of graph.outputs) {
      expect(outputs[name]!.shape).toEqual(expected[name]!.shape);
      if (shape.every((dim) => typeof dim === 'number')) expect(shape).toEqual(expected[name]!.shape);
      expected[name]!.data.forEach((value, n) => {
        expect(outputs[name]!.data[n]!).toBeCloseTo(value, 5);
      });
    }
  });

  it('has the error function to float64 accuracy', () => {
    // given: values from Abramowitz & Stegun table 7.1 and mpmath, on both sides of the switch of method
    const known: [number, number][] = [
      [0, 0],
      [0.1, 0.1124629160182849],
      [0.5, 0.5204998778130465],
      [1, 0.8427007929497149],
      [2, 0.9953222650189527],
      [2.4, 0.999311486103355],
      [3, 0.9999779095030014],
      [-1, -0.8427007929497149],
      [6, 1],
      [Number.POSITIVE_INFINITY, 1],
    ];
    const g = new GraphBuilder('erf');
    g.output('y', g.erf(g.input('x', 'float32', [known.length])));
    // when
    const { y } = interpret(g.build(), {
      x: tensor(
        'float32',
        [known.length],
        known.map(([x]) => x),
      ),
    });
    // then
    known.forEach(([, expected], i) => {
      expect(Math.abs(y!.data[i]! - expected)).toBeLessThan(3e-16);
    });
  });

  it('refuses indices outside the axis', () => {
    // given
    const g = new GraphBuilder('outside');
    g.output('y', g.gather(g.constant([1, 2, 3]), g.input('i', 'int64', [1])));
    // when / then
    expect(() => interpret(g.build(), { i: tensor('int64', [1], [3]) })).toThrow(
      'Index 3 is outside an axis of 3 elements',
    );
  });
});
