import { stringAttribute } from '../../onnx/index.ts';
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
  OneHot: 'none',
} satisfies RuleTable;
