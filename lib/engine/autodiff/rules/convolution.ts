import {
  type Dim,
  elementCount,
  type GraphBuilder,
  GraphError,
  intAttribute,
  listAttribute,
  multiplyDims,
  staticShape,
  tensor,
  type Value,
  type Windows,
  windowCounts,
  windowElements,
  windowsOf,
} from '../../onnx/index.ts';
import type { RuleCall, RuleTable } from '../rule.ts';

/** Where the windows lie; only fixed spatial sizes can be taken apart. */
function windowsFor({ x, attributes }: RuleCall, kernel: readonly number[]): Windows {
  const spatial = staticShape(x[0]!.shape.slice(2));
  if (spatial) return windowsOf(spatial, kernel, attributes);
  throw new GraphError(
    `The gradient of a convolution or pool over axes of sizes [${x[0]!.shape.slice(2)}] needs fixed sizes; specialise first.`,
  );
}

/**
 * dx of y = conv(x, weight): every dy spread over its window, which is a convolution again, of dy with strides - 1 zeros
 * between its elements and with the taps reversed (Dumoulin & Visin 2016, "A guide to convolution arithmetic", ch. 4).
 * @param weight (out, channels / group, …kernel)
 */
function spread(g: GraphBuilder, dy: Value, weight: Value, windows: Windows, group: number): Value {
  const { input, kernel, strides, dilations, begin, output } = windows;
  const axes = kernel.map((_, i) => i + 2);
  let spaced = dy;
  for (const [i, stride] of strides.entries()) {
    if (stride === 1) continue;
    const apart = g.op('Pad', [
      g.unsqueeze(spaced, [i + 3]),
      g.ints([0, stride - 1]),
      undefined,
      g.ints([i + 3]),
    ]);
    const shape = spaced.shape.map((dim, axis) => (axis === i + 2 ? output[i]! * stride : dim));
    spaced = g.reshape(apart, shape);
  }
  const before = kernel.map((k, i) => dilations[i]! * (k - 1) - begin[i]!);
  const after = kernel.map(
    (k, i) => input[i]! + dilations[i]! * (k - 1) - output[i]! * strides[i]! - before[i]!,
  );
  if ([...before, ...after].some((pad) => pad !== 0))
    spaced = g.op('Pad', [spaced, g.ints([...before, ...after]), undefined, g.ints(axes)]);
  const [out, perGroup] = weight.shape as [number, number];
  const grouped = g.reshape(weight, [group, out / group, perGroup, ...kernel]);
  const swapped = g.transpose(grouped, [0, 2, 1, ...axes.map((axis) => axis + 1)]);
  const flat = g.reshape(swapped, [group * perGroup, out / group, ...kernel]);
  const reversed = axes.reduce((w, axis, i) => g.slice(w, axis, kernel[i]! - 1, -kernel[i]! - 1, -1), flat);
  return g.op('Conv', [spaced, reversed], { dilations: [...dilations], group });
}

/** What each tap of each window reads: x (batch, channels, …) -> (batch, channels, taps, windows). */
function unfold(g: GraphBuilder, x: Value, windows: Windows): Value {
  const size = elementCount(windows.input);
  const [taps, count] = [elementCount(windows.kernel), elementCount(windows.output)];
  const flat = g.reshape(x, [x.shape[0]!, x.shape[1]!, size]);
  // One zero behind the elements stands for all padding.
  const padded = g.op('Pad', [flat, g.ints([0, 1]), undefined, g.ints([2])]);
  return g.gather(padded, g.constant(tensor('int64', [taps, count], windowElements(windows, size))), 2);
}

/** dw of y = conv(x, w): per group one product of dy with the unfolded x, over batch and windows. */
function weightGradient(call: RuleCall, windows: Windows, group: number): Value {
  const { g, dy } = call;
  const [x, weight] = [call.x[0]!, call.x[1]!];
  const [out, perGroup] = weight.shape as [number, number];
  const [taps, count] = [elementCount(windows.kernel), elementCount(windows.output)];
  const batch = x.shape[0]!;
  const rows = (value: Value, width: number): Value =>
    g.reshape(g.transpose(g.reshape(value, [batch, group, width, count]), [1, 2, 0, 3]), [group, width, -1]);
  const product = g.matmulT(
    rows(dy, out / group),
    rows(unfold(g, x, windows), perGroup * taps),
    { transB: true }, // (group, out / group, channels / group * taps)
  );
  return g.reshape(product, [...weight.shape]);
}

/** x (batch, channels, …) as (batch * channels, 1, …): a pool treats all channels alike. */
const asImages = (g: GraphBuilder, x: Value): Value => g.reshape(x, [-1, 1, ...x.shape.slice(2)]);

/** x (batch, channels, …) as (batch, channels, elements). */
function channelRows(g: GraphBuilder, x: Value): Value {
  const elements = multiplyDims(x.shape.slice(2));
  if (typeof elements === 'number') return g.reshape(x, [x.shape[0]!, x.shape[1]!, elements]);
  return g.op('Reshape', [x, g.ints([0, 0, -1])]);
}

/** A value in the shape of x, which has as many elements. */
const inShapeOf = (g: GraphBuilder, value: Value, x: Value): Value =>
  g.op('Reshape', [value, g.shapeTensor(x.shape, [x])]);

export const convolutionRules = {
  // y_o = Σ_c x_c ⋆ w_oc + b_o: dx = Σ_o dy_o spread by w_oc, dw_oc = Σ dy_o x_c (unfolded), db_o = Σ dy_o
  Conv: (call) => {
    const { g, x, dy, attributes } = call;
    const kernel = x[1]!.shape.slice(2) as number[];
    const group = intAttribute(attributes, 'group', 1);
    return [
      () => spread(g, dy, x[1]!, windowsFor(call, kernel), group),
      () => weightGradient(call, windowsFor(call, kernel), group),
      () => g.reduceSum(dy, [0, ...kernel.map((_, i) => i + 2)]),
    ];
  },
  // y = x at the first largest place of each window: dx = Σ dy at that place
  MaxPool: ({ g, x, dy, attributes }) => [
    () => {
      const places = g.ops('MaxPool', [x[0]], attributes, 2)[1]!;
      const zeros = g.reshape(g.zerosLike(x[0]!), [-1]);
      return inShapeOf(g, g.scatterAdd(zeros, g.reshape(places, [-1]), g.reshape(dy, [-1])), x[0]!);
    },
  ],
  // y = Σ x / n over each window: dx = dy / n spread over the window
  AveragePool: (call) => [
    () => {
      const { g, x, dy, attributes } = call;
      const kernel = listAttribute(attributes, 'kernel_shape')!;
      const windows = windowsFor(call, kernel);
      const counts = windowCounts(windows, intAttribute(attributes, 'count_include_pad', 0) === 1);
      const shares = g.div(dy, g.constant(tensor('float32', windows.output, counts)));
      const ones = g.constant(tensor('float32', [1, 1, ...kernel], kernelOnes(kernel)));
      return inShapeOf(g, spread(g, asImages(g, shares), ones, windows, 1), x[0]!);
    },
  ],
  // y = x at the first largest place: dx = dy there
  GlobalMaxPool: ({ g, x, dy }) => [
    () => {
      const rows = channelRows(g, x[0]!);
      const place = g.op('ArgMax', [rows], { axis: 2, keepdims: 1 });
      return inShapeOf(g, g.scatterAdd(g.zerosLike(rows), place, channelRows(g, dy), 2), x[0]!);
    },
  ],
  // y = Σ x / n: dx = dy / n
  GlobalAveragePool: ({ g, x, y, dy }) => [
    () => {
      const count: Dim = multiplyDims(x[0]!.shape.slice(2));
      return g.div(dy, typeof count === 'number' ? count : g.div(g.sizeOf(x[0]!), g.sizeOf(y[0]!)));
    },
  ],
} satisfies RuleTable;

function kernelOnes(kernel: readonly number[]): number[] {
  return new Array<number>(elementCount(kernel)).fill(1);
}
