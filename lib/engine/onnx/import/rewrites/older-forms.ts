import type { Value } from '../../graph.ts';
import { isOpType, type OpType } from '../../operators/index.ts';
import { readType } from '../../stored-tensors.ts';
import { type DType, isFloat, toNumbers } from '../../tensor.ts';
import type { Rewrite, RewriteCall, RewriteTable } from '../rewrite.ts';

/** Axes that were an attribute (Squeeze, Unsqueeze, ReduceSum before 13, other reductions before 18) become an input. */
function axesAsInput(op: OpType): Rewrite {
  return (call) => {
    const axes = call.ints('axes');
    const inputs = axes ? [call.input(0), call.g.ints(axes)] : call.x;
    return call.named(op, inputs, call.attributes(op, ['axes']));
  };
}

/** Before 13, Softmax and its like worked on the matrix of the axes before `axis` (1 unless told) and the rest. */
function overMatrix(op: 'Softmax' | 'LogSoftmax'): Rewrite {
  return (call) => {
    const { g } = call;
    const x = call.input(0);
    const rank = x.shape.length;
    if (call.opset >= 13) return call.named(op, [x], { axis: call.int('axis', -1) });
    const axis = call.int('axis', 1);
    if (axis === rank - 1 || axis === -1) return call.named(op, [x], { axis: -1 });
    const flat = g.op('Flatten', [x], { axis });
    return g.op('Reshape', [g.op(op, [flat], { axis: -1 }), g.op('Shape', [x])]);
  };
}

/** Bool values have no choice in the runtime: (c and a) or (not c and b). */
function where(call: RewriteCall): Value | readonly Value[] {
  const { g } = call;
  const [condition, yes, no] = [call.input(0), call.input(1), call.input(2)];
  if (yes.dtype !== 'bool') return call.named('Where');
  return g.or(g.and(condition, yes), g.and(g.not(condition), no));
}

/** Where no value is given, ConstantOfShape is zeros of float32. */
function constantOfShape(call: RewriteCall): readonly Value[] {
  const fill = call.tensor('value');
  const attributes = fill ? { value: toNumbers(fill)[0] ?? 0, dtype: fill.dtype } : { value: 0 };
  return call.named('ConstantOfShape', call.x, { dtype: 'float32', ...attributes });
}

/** Half and double become float32, so many casts of a half-precision export go away. */
function cast(call: RewriteCall): Value | readonly Value[] {
  const to: DType = readType(call.int('to', 1), call.node.name);
  const x = call.input(0);
  return x.dtype === to ? x : call.named('Cast', [x], { to });
}

/** The bounds were attributes before 11; TorchScript exports of set 11 give integers float bounds. */
function clip(call: RewriteCall): readonly Value[] {
  const bound = (name: string): Value | undefined =>
    call.node.attributes.has(name) ? call.g.constant(call.float(name, 0)) : undefined;
  const x = call.input(0);
  const bounds = [call.x[1] ?? bound('min'), call.x[2] ?? bound('max')];
  return call.named('Clip', [x, ...bounds.map((value) => value && call.g.cast(value, x.dtype))]);
}

/** Pads and value were attributes before 11. */
function pad(call: RewriteCall): readonly Value[] {
  const pads = call.ints('pads');
  const mode = { mode: call.string('mode', 'constant') };
  if (!pads) return call.named('Pad', [...call.x.slice(0, 1), allPads(call), call.x[2]], mode);
  return call.named('Pad', [call.input(0), call.g.ints(pads), call.g.constant(call.float('value', 0))], mode);
}

/** Since 18 pads may be given for some axes; onnxruntime's transpose optimiser fails on that, so all are written out. */
function allPads(call: RewriteCall): Value {
  const pads = call.input(1);
  const axes = call.g.numbersOf(call.x[3]);
  const some = call.g.numbersOf(pads);
  if (!call.x[3]) return pads;
  if (!axes || !some) return call.fail('axes and pads must be constant');
  const rank = call.input(0).shape.length;
  const all = new Array<number>(2 * rank).fill(0);
  axes.forEach((axis, i) => {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = some[i]!;
    all[rank + at] = some[i + axes.length]!;
  });
  return call.g.ints(all);
}

/** The sizes were an attribute before 13; before 18 an even split was told by the number of outputs alone. */
function split(call: RewriteCall): readonly Value[] {
  const sizes = call.ints('split');
  const axis = call.int('axis', 0);
  if (sizes) return call.named('Split', [call.input(0), call.g.ints(sizes)], { axis });
  if (call.x[1]) return call.named('Split', call.x, { axis });
  return call.named('Split', [call.input(0)], {
    axis,
    num_outputs: call.int('num_outputs', call.node.outputs.length),
  });
}

/** Training of an export starts from its evaluation form; our own dropout is added by the trainer. */
function dropout(call: RewriteCall): readonly Value[] {
  const x = call.input(0);
  if (!call.wants(1)) return [x];
  const kept = call.g.op('ConstantOfShape', [call.g.op('Shape', [x])], { value: 1, dtype: 'int32' });
  return [x, call.g.cast(kept, 'bool')];
}

/** Integer powers and float exponents of integers meet in float. */
function pow(call: RewriteCall): Value | readonly Value[] {
  const [base, exponent] = [call.input(0), call.input(1)];
  if (isFloat(base.dtype) && !isFloat(exponent.dtype))
    return call.named('Pow', [base, call.g.cast(exponent, base.dtype)]);
  return call.named('Pow');
}

const reductions = [
  'ReduceSum',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceL2',
  'Squeeze',
  'Unsqueeze',
];

export const olderForms: RewriteTable = {
  ...Object.fromEntries(reductions.filter(isOpType).map((op) => [op, axesAsInput(op)])),
  Softmax: overMatrix('Softmax'),
  LogSoftmax: overMatrix('LogSoftmax'),
  Where: where,
  ConstantOfShape: constantOfShape,
  Cast: cast,
  CastLike: (call) => call.g.cast(call.input(0), call.input(1).dtype),
  Clip: clip,
  Pad: pad,
  Split: split,
  Dropout: dropout,
  Identity: (call) => call.input(0),
  Pow: pow,
};
