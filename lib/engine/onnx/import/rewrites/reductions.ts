import type { Value } from '../../graph.ts';
import type { OpType } from '../../operators/index.ts';
import type { RewriteCall, RewriteTable } from '../rewrite.ts';

/** One of our reductions over the axes and with the options of the foreign one. */
function over(call: RewriteCall, op: OpType, x: Value, keepdims = call.int('keepdims', 1)): Value {
  const axes = call.ints('axes');
  return call.g.op(op, [x, axes ? call.g.ints(axes) : call.x[1]], {
    keepdims,
    noop_with_empty_axes: call.int('noop_with_empty_axes', 0),
  });
}

export const reductions: RewriteTable = {
  ReduceL1: (call) => over(call, 'ReduceSum', call.g.abs(call.input(0))),
  ReduceSumSquare: (call) => over(call, 'ReduceSum', call.g.square(call.input(0))),
  ReduceLogSum: (call) => call.g.log(over(call, 'ReduceSum', call.input(0))),
  // log Σ e^x = m + log Σ e^(x - m), m = max x
  ReduceLogSumExp: (call) => {
    const { g } = call;
    const x = call.input(0);
    const shifted = g.exp(g.sub(x, over(call, 'ReduceMax', x, 1)));
    return g.add(g.log(over(call, 'ReduceSum', shifted)), over(call, 'ReduceMax', x));
  },
  Mean: (call) => {
    const all = call.x.filter((value) => value !== undefined);
    return call.g.div(call.g.op('Sum', all), all.length);
  },
  LpNormalization: (call) => {
    const { g } = call;
    const x = call.input(0);
    const axes = g.ints([call.int('axis', -1)]);
    const one = call.int('p', 2) === 1;
    return g.div(x, g.op(one ? 'ReduceSum' : 'ReduceL2', [one ? g.abs(x) : x, axes], { keepdims: 1 }));
  },
};
