import {
  type GraphBuilder,
  GraphError,
  intAttribute,
  staticShape,
  stringAttribute,
  type Value,
} from '../../onnx/index.ts';
import { axisOf, type RuleTable } from '../rule.ts';

export const indexingRules = {
  // y_j = x[i_j]: dx[i] = Σ over j with i_j = i of dy_j.
  // ScatterElements adds repeated indices one by one; ScatterND(add) loses some of them when it runs on two threads.
  Gather: (call) => [
    () => {
      const { g, dy } = call;
      const [x, ids] = [call.x[0]!, call.x[1]!];
      const axis = axisOf(call, 0);
      const before = x.shape.slice(0, axis);
      const after = x.shape.slice(axis + 1);
      const flat = g.op('Reshape', [dy, g.shapeTensor([...before, -1, ...after], [x])]);
      const column = g.reshape(ids, [...before.map(() => 1), -1, ...after.map(() => 1)]);
      const index = g.expand(column, flat.shape, [flat]);
      return g.scatterAdd(g.zerosLike(x), index, flat, axis);
    },
  ],
  // y = x at the index along an axis: dx = Σ dy at that index
  GatherElements: (call) => [
    () => call.g.scatterAdd(call.g.zerosLike(call.x[0]!), call.x[1]!, call.dy, axisOf(call, 0)),
  ],
  // y = x with u added (or put) at the index: dx = dy (but 0 where put), du = dy at the index.
  // Where values are put, ONNX leaves repeated indices undefined, so they are taken to differ.
  ScatterElements: (call) => {
    const { g, x, dy, attributes } = call;
    const adds = stringAttribute(attributes, 'reduction', 'none') === 'add';
    return [
      () => (adds ? dy : g.op('ScatterElements', [dy, x[1]!, g.zerosLike(x[2]!)], attributes)),
      undefined,
      () => g.gatherElements(dy, x[1]!, axisOf(call, 0)),
    ];
  },
  // y_j = the slice of x that i_j names: dx = Σ dy_j put there. ScatterND(add) would lose repeated tuples on two threads,
  // so tuples become row numbers of x as a matrix, and rows are added by ScatterElements.
  GatherND: (call) => [
    () => {
      const { g, dy, attributes } = call;
      const [x, index] = [call.x[0]!, call.x[1]!];
      const rows = rowNumbers(g, x, index, intAttribute(attributes, 'batch_dims', 0));
      const width = rows.width;
      const zeros = g.op('ConstantOfShape', [g.ints([rows.count, width])], { value: 0, dtype: dy.dtype });
      const flat = g.reshape(dy, [-1, width]);
      const places = g.expand(g.reshape(rows.numbers, [-1, 1]), flat.shape, [flat]);
      return g.reshape(g.scatterAdd(zeros, places, flat, 0), x.shape);
    },
  ],
  // y = x with u put (or added) at the slices named: dx = dy (but 0 where put), du = dy at the slices
  ScatterND: ({ g, x, dy, attributes }) => [
    () =>
      stringAttribute(attributes, 'reduction', 'none') === 'add'
        ? dy
        : g.op('ScatterND', [dy, x[1]!, g.zerosLike(x[2]!)], attributes),
    undefined,
    () => g.op('GatherND', [dy, x[1]!]),
  ],
  NonZero: 'none',
  OneHot: 'none',
} satisfies RuleTable;

/** The tuples of GatherND's indices as row numbers of x seen as a matrix (count, width). */
function rowNumbers(
  g: GraphBuilder,
  x: Value,
  index: Value,
  batch: number,
): { numbers: Value; count: number; width: number } {
  const shape = staticShape(x.shape);
  if (!shape)
    throw new GraphError(
      `The gradient of GatherND by ${x.name} [${x.shape}] needs fixed sizes; specialise first.`,
    );
  const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);
  const depth = Number(index.shape.at(-1));
  const sizes = shape.slice(batch, batch + depth);
  const strides = sizes.map((_, d) => product(sizes.slice(d + 1)));
  const ids = g.cast(index, 'int64');
  const positive = g.where(g.less(ids, 0), g.add(ids, g.ints(sizes)), ids);
  const within = g.reduceSum(g.mul(positive, g.ints(strides)), [-1]);
  const batches = product(shape.slice(0, batch));
  const perBatch = product(sizes);
  const starts = g.ints(Array.from({ length: batches }, (_, i) => i * perBatch));
  const numbers = batch === 0 ? within : g.add(g.reshape(within, [batches, -1]), g.unsqueeze(starts, [1]));
  return { numbers, count: batches * perBatch, width: product(shape.slice(batch + depth)) };
}
