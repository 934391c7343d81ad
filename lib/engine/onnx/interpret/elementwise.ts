import { sigmoid } from '../../host/index.ts';
import { broadcastShapes } from '../dims.ts';
import type { elementwise } from '../operators/elementwise.ts';
import { intAttribute, stringAttribute } from '../operators/spec.ts';
import { type DType, elementCount, isFloat } from '../tensor.ts';
import { erf } from './erf.ts';
import { broadcastTo, input, type Kernel, type Tensor64 } from './kernel.ts';

function map(f: (x: number) => number): Kernel {
  return (call) => {
    const x = input(call, 0);
    return [{ ...x, data: x.data.map(f) }];
  };
}

function fold(f: (a: number, b: number, dtype: DType) => number, output?: DType): Kernel {
  return ({ inputs }) => {
    const given = inputs.filter((t) => t !== undefined);
    const [first, ...rest] = broadcastAll(given);
    const data = rest.reduce(
      (left, right) => left.map((a, i) => f(a, right.data[i]!, first!.dtype)),
      first!.data,
    );
    return [{ dtype: output ?? first!.dtype, shape: first!.shape, data: Float64Array.from(data) }];
  };
}

function broadcastAll(tensors: readonly Tensor64[]): Tensor64[] {
  const shape = tensors.reduce<number[]>((all, t) => broadcastShapes(all, t.shape) as number[], []);
  return tensors.map((t) => broadcastTo(t, shape));
}

/** Without its fraction; what is no number is 0, and infinities are the ends of int64 (C leaves both open). */
function toInteger(x: number): number {
  return Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -(2 ** 63)), 2 ** 63));
}

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

function gelu(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

function geluTanh(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

export const elementwiseKernels: Record<keyof typeof elementwise, Kernel> = {
  Add: fold((a, b) => a + b),
  Sub: fold((a, b) => a - b),
  Mul: fold((a, b) => a * b),
  Div: fold((a, b, dtype) => (isFloat(dtype) ? a / b : Math.trunc(a / b))),
  Pow: fold((a, b) => a ** b),
  Max: fold((a, b) => Math.max(a, b)),
  Min: fold((a, b) => Math.min(a, b)),
  Sum: fold((a, b) => a + b),
  Equal: fold((a, b) => Number(a === b), 'bool'),
  Less: fold((a, b) => Number(a < b), 'bool'),
  LessOrEqual: fold((a, b) => Number(a <= b), 'bool'),
  Greater: fold((a, b) => Number(a > b), 'bool'),
  GreaterOrEqual: fold((a, b) => Number(a >= b), 'bool'),
  And: fold((a, b) => Number(a !== 0 && b !== 0), 'bool'),
  Or: fold((a, b) => Number(a !== 0 || b !== 0), 'bool'),
  Xor: fold((a, b) => Number((a !== 0) !== (b !== 0)), 'bool'),
  Not: map((a) => Number(a === 0)),
  Neg: map((x) => -x),
  Abs: map(Math.abs),
  Sign: map(Math.sign),
  Relu: map((x) => Math.max(x, 0)),
  Sqrt: map(Math.sqrt),
  Reciprocal: map((x) => 1 / x),
  Exp: map(Math.exp),
  Log: map(Math.log),
  Erf: map(erf),
  Tanh: map(Math.tanh),
  Sigmoid: map(sigmoid),
  Softplus: map((x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))),
  Sin: map(Math.sin),
  Cos: map(Math.cos),
  Floor: map(Math.floor),
  Ceil: map(Math.ceil),
  Round: map(roundHalfEven),
  Mod: (call) =>
    fold(intAttribute(call.attributes, 'fmod', 0) ? (a, b) => a % b : (a, b) => a - b * Math.floor(a / b))(
      call,
    ),
  Gelu: (call) =>
    map(stringAttribute(call.attributes, 'approximate', 'none') === 'tanh' ? geluTanh : gelu)(call),
  IsNaN: ({ inputs: [x] }) => [
    { dtype: 'bool', shape: x!.shape, data: x!.data.map((v) => Number(Number.isNaN(v))) },
  ],
  IsInf: ({ inputs: [x], attributes }) => {
    const negative = intAttribute(attributes, 'detect_negative', 1) === 1;
    const positive = intAttribute(attributes, 'detect_positive', 1) === 1;
    const hit = (v: number): boolean =>
      (positive && v === Number.POSITIVE_INFINITY) || (negative && v === Number.NEGATIVE_INFINITY);
    return [{ dtype: 'bool', shape: x!.shape, data: x!.data.map((v) => Number(hit(v))) }];
  },
  Clip: (call) => {
    const low = call.inputs[1]?.data[0] ?? Number.NEGATIVE_INFINITY;
    const high = call.inputs[2]?.data[0] ?? Number.POSITIVE_INFINITY;
    return map((x) => Math.min(Math.max(x, low), high))(call);
  },
  Where: ({ inputs }) => {
    const [condition, yes, no] = broadcastAll([inputs[0]!, inputs[1]!, inputs[2]!]);
    const data = new Float64Array(elementCount(yes!.shape));
    for (let i = 0; i < data.length; i++) data[i] = condition!.data[i] ? yes!.data[i]! : no!.data[i]!;
    return [{ dtype: yes!.dtype, shape: yes!.shape, data }];
  },
  Identity: (call) => [input(call, 0)],
  Cast: (call) => {
    const to = stringAttribute(call.attributes, 'to', 'float32') as DType;
    const convert =
      to === 'bool' ? (x: number) => Number(x !== 0) : isFloat(to) ? (x: number) => x : toInteger;
    const x = input(call, 0);
    return [{ dtype: to, shape: x.shape, data: x.data.map(convert) }];
  },
};
