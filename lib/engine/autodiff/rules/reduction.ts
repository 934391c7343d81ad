import { intAttribute, multiplyDims, normaliseAxis, type Value } from '../../onnx/index.ts';
import { axisOf, type GradientRule, type RuleCall, type RuleTable } from '../rule.ts';

function reducedAxes({ g, x, attributes }: RuleCall): number[] {
  const rank = x[0]!.shape.length;
  const given = g.numbersOf(x[1]);
  if (given?.length) return given.map((axis) => normaliseAxis(axis, rank)).sort((a, b) => a - b);
  return intAttribute(attributes, 'noop_with_empty_axes', 0) ? [] : x[0]!.shape.map((_, i) => i);
}

/** A reduced value with its reduced axes put back as axes of size 1, so that it broadcasts against x. */
function kept(call: RuleCall, value: Value, axes: readonly number[]): Value {
  const keep = intAttribute(call.attributes, 'keepdims', 1) === 1;
  return keep || axes.length === 0 ? value : call.g.unsqueeze(value, axes);
}

/** How many elements make one result. */
function reducedCount({ g, x, y }: RuleCall, axes: readonly number[]): Value | number {
  const count = multiplyDims(axes.map((axis) => x[0]!.shape[axis]!));
  return typeof count === 'number' ? count : g.div(g.sizeOf(x[0]!), g.sizeOf(y[0]!));
}

/** y = max or min of x over axes: dx = dy [x = y] / (how many elements equal y). */
const extreme: GradientRule = (call) => [
  () => {
    const { g, x, y, dy } = call;
    const axes = reducedAxes(call);
    const hits = g.cast(g.equal(x[0]!, kept(call, y[0]!, axes)), dy.dtype);
    return g.mul(hits, g.div(kept(call, dy, axes), g.reduceSum(hits, axes, true)));
  },
];

export const reductionRules = {
  // y = Σ x: dx = dy
  ReduceSum: (call) => [() => kept(call, call.dy, reducedAxes(call))],
  // y = Σ x / n: dx = dy / n
  ReduceMean: (call) => [
    () => {
      const axes = reducedAxes(call);
      return call.g.div(kept(call, call.dy, axes), reducedCount(call, axes));
    },
  ],
  ReduceMax: extreme,
  ReduceMin: extreme,
  // y = Π x: dx = dy y / x, so no x may be 0
  ReduceProd: (call) => [
    () => {
      const { g, x, y, dy } = call;
      const axes = reducedAxes(call);
      return g.div(kept(call, g.mul(dy, y[0]!), axes), x[0]!);
    },
  ],
  // y = √ Σ x²: dx = dy x / y, and 0 where y is (a subgradient, as torch)
  ReduceL2: (call) => [
    () => {
      const { g, x, y, dy } = call;
      const safe = g.where(g.equal(y[0]!, 0), 1, y[0]!);
      return g.mul(x[0]!, kept(call, g.div(dy, safe), reducedAxes(call)));
    },
  ],
  // y = softmax x: dx = y (dy - Σ dy y)
  Softmax: (call) => [
    () => {
      const { g, dy } = call;
      // Exports of masked attention put 0 for rows that are masked all over, where y is 0/0: so does the gradient.
      const undefinedRows = g.existing('IsNaN', [call.y[0]!]);
      const y = undefinedRows ? g.where(undefinedRows, 0, call.y[0]!) : call.y[0]!;
      return g.mul(y, g.sub(dy, g.reduceSum(g.mul(dy, y), [axisOf(call, -1)], true)));
    },
  ],
  // y = log softmax x: dx = dy - e^y Σ dy
  LogSoftmax: (call) => [
    () => {
      const { g, dy, y } = call;
      return g.sub(dy, g.mul(g.exp(y[0]!), g.reduceSum(dy, [axisOf(call, -1)], true)));
    },
  ],
  // y_i = Σ_{j ≤ i} x_j: dx_j = Σ_{i ≥ j} dy_i
  CumSum: ({ g, x, dy, attributes }) => [
    () => {
      const reverse = 1 - intAttribute(attributes, 'reverse', 0);
      return g.op('CumSum', [dy, x[1]!], { ...attributes, reverse });
    },
  ],
  ArgMax: 'none',
  // y = x at the positions of the k largest: dx = dy put back at the positions
  TopK: (call) => [
    () => {
      const { g, dy, attributes } = call;
      const positions = g.ops('TopK', call.x, attributes, 2)[1]!;
      return g.scatterAdd(g.zerosLike(call.x[0]!), positions, dy, axisOf(call, -1));
    },
  ],
  // y = s x̂ + b, x̂ = (x - μ) r, r = 1/√(σ² + ε), u = dy s:
  // dx = r (u - mean(u) - x̂ mean(u x̂)), ds = Σ dy x̂, db = Σ dy; Ba et al. 2016
  LayerNormalization: (call) => {
    const { g, dy, attributes } = call;
    const [x, scale] = [call.x[0]!, call.x[1]!];
    const axes = x.shape.map((_, i) => i).slice(axisOf(call, -1));
    const [, mean, inverse] = g.ops('LayerNormalization', call.x, attributes, 3);
    const normalised = (): Value => g.mul(g.sub(x, mean!), inverse!);
    return [
      () => {
        const u = g.mul(dy, scale);
        const along = g.mul(normalised(), g.reduceMean(g.mul(u, normalised()), axes, true));
        return g.mul(g.sub(g.sub(u, g.reduceMean(u, axes, true)), along), inverse!);
      },
      () => g.mul(dy, normalised()),
      () => dy,
    ];
  },
} satisfies RuleTable;
