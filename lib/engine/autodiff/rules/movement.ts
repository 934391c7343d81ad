import {
  type Dim,
  type GraphBuilder,
  GraphError,
  listAttribute,
  normaliseAxis,
  sliceRange,
  tensor,
  type Value,
} from '../../onnx/index.ts';
import { axisOf, type GradientRule, type RuleTable } from '../rule.ts';

/** y holds x's elements in another shape: dx = dy in x's shape. */
const reshaped: GradientRule = ({ g, x, dy }) => [
  () => g.op('Reshape', [dy, g.shapeTensor(x[0]!.shape, [x[0]!])]),
];

/**
 * Zeros around a value: `pads` before, then after each of `axes`. All axes are written out, because onnxruntime's
 * transpose optimiser takes the pads of some axes for those of all and then fails.
 */
function padded(g: GraphBuilder, x: Value, axes: readonly number[], pads: readonly number[]): Value {
  const rank = x.shape.length;
  const all = new Array<number>(2 * rank).fill(0);
  for (const [i, given] of axes.entries()) {
    const axis = normaliseAxis(given, rank);
    all[axis] = pads[i]!;
    all[rank + axis] = pads[i + axes.length]!;
  }
  return g.op('Pad', [x, g.ints(all)]);
}

/** Sizes along an axis as numbers, for slicing a gradient apart. */
function fixedSizes(sizes: readonly Dim[]): number[] {
  if (sizes.every((size) => typeof size === 'number')) return sizes as number[];
  throw new GraphError(
    `The gradient of a Concat along an axis of sizes [${sizes}] needs fixed sizes; specialise first.`,
  );
}

/** Zeros of x's shape but for one axis, with dy added at the positions along it. */
function scatterAlong(
  g: GraphBuilder,
  dy: Value,
  axis: number,
  size: Dim,
  positions: readonly number[],
): Value {
  const flat = dy.shape.map((_, i) => (i === axis ? positions.length : 1));
  const index = g.expand(g.constant(tensor('int64', flat, positions)), dy.shape, [dy]);
  const shape = dy.shape.map((dim, i) => (i === axis ? size : dim));
  const zeros = g.op('ConstantOfShape', [g.shapeTensor(shape, [dy])], { value: 0, dtype: dy.dtype });
  return g.scatterAdd(zeros, index, dy, axis);
}

export const movementRules = {
  Shape: 'none',
  Size: 'none',
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  // y = x broadcast: dx = Σ dy, which the walk does
  Expand: ({ dy }) => [() => dy],
  // y = r copies of x along each axis: dx = Σ over the copies
  Tile: ({ g, x, dy }) => [
    () => {
      const { shape } = x[0]!;
      const repeats = g.numbersOf(x[1]);
      if (!repeats) throw new GraphError('The gradient of a Tile needs fixed sizes; specialise first.');
      const apart = shape.flatMap((dim, i): Dim[] => [repeats[i]!, dim]);
      const copies = g.op('Reshape', [dy, g.shapeTensor(apart, [x[0]!])]);
      return g.reduceSum(
        copies,
        shape.map((_, i) => 2 * i),
      );
    },
  ],
  // y = x with axes in order p: dx = dy with axes in the inverse order
  Transpose: ({ g, x, dy, attributes }) => [
    () => {
      const rank = x[0]!.shape.length;
      const perm = listAttribute(attributes, 'perm') ?? x[0]!.shape.map((_, i) => rank - 1 - i);
      return g.transpose(
        dy,
        perm.map((_, i) => perm.indexOf(i)),
      );
    },
  ],
  // y = x_1 | x_2 | …: dx_i = its part of dy
  Concat: (call) => {
    const { g, x, dy } = call;
    const axis = axisOf(call, 0);
    const parts = (): Value[] => g.split(dy, fixedSizes(x.map((part) => part!.shape[axis]!)), axis);
    return x.map((_, i) => () => parts()[i]!);
  },
  // y_1, y_2, … = parts of x: dx = dy_1 | dy_2 | …
  Split: (call) => [
    () =>
      call.g.concat(
        call.y.map((part, i) => call.dys[i] ?? call.g.zerosLike(part)),
        axisOf(call, 0),
      ),
  ],
  // y = x[from : to : step]: dx = dy at those places, else 0
  Slice: ({ g, x, y, dy }) => [
    () => {
      const { shape } = x[0]!;
      const starts = g.numbersOf(x[1])!;
      const ends = g.numbersOf(x[2])!;
      const axes = (g.numbersOf(x[3]) ?? starts.map((_, i) => i)).map((axis) =>
        normaliseAxis(axis, shape.length),
      );
      const steps = g.numbersOf(x[4]) ?? starts.map(() => 1);
      return axes.reduce((gradient, axis, i) => {
        const size = shape[axis]!;
        if (steps[i] === 1 && y[0]!.shape[axis] === size) return gradient;
        if (typeof size !== 'number') {
          throw new GraphError(
            `The gradient of a Slice of axis ${size} needs fixed sizes; specialise first.`,
          );
        }
        const { from, count } = sliceRange(size, starts[i]!, ends[i]!, steps[i]!);
        if (steps[i] === 1) {
          return padded(g, gradient, [axis], [from, size - from - count]);
        }
        return scatterAlong(
          g,
          gradient,
          axis,
          size,
          Array.from({ length: count }, (_, k) => from + k * steps[i]!),
        );
      }, dy);
    },
  ],
  // y = x with a border: dx = dy without it (a pad of -n undoes a pad of n, both ways)
  Pad: ({ g, x, dy }) => [
    () => {
      const pads = g.numbersOf(x[1])!.map((pad) => -pad);
      const axes = g.numbersOf(x[3]) ?? x[0]!.shape.map((_, i) => i);
      return padded(g, dy, axes, pads);
    },
  ],
  // y = a triangle of x: dx = the same triangle of dy
  Trilu: ({ g, x, dy, attributes }) => [() => g.op('Trilu', [dy, x[1]], attributes)],
  EyeLike: 'none',
  ConstantOfShape: 'none',
  Range: 'none',
} satisfies RuleTable;
