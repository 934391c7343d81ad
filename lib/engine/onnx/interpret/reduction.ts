import { normaliseAxis } from '../dims.ts';
import type { reductions } from '../operators/reduction.ts';
import { intAttribute } from '../operators/spec.ts';
import { elementCount } from '../tensor.ts';
import {
  aroundAxis,
  input,
  integers,
  type Kernel,
  type KernelCall,
  stridesOf,
  type Tensor64,
} from './kernel.ts';

/** Calls `visit` with the indices into the data of each run along an axis. */
function alongAxis(x: Tensor64, axis: number, visit: (at: number[]) => void): void {
  const { outer, size, inner } = aroundAxis(x.shape, axis);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      visit(Array.from({ length: size }, (_, s) => (o * size + s) * inner + i));
    }
  }
}

function reduce(start: number, f: (a: number, b: number) => number, mean = false): Kernel {
  return (call) => {
    const x = input(call, 0);
    const given = integers(call, 1);
    const noop = intAttribute(call.attributes, 'noop_with_empty_axes', 0) === 1;
    const all = x.shape.map((_, i) => i);
    const axes = new Set(given?.length ? given.map((a) => normaliseAxis(a, all.length)) : noop ? [] : all);
    const kept = x.shape.map((size, i) => (axes.has(i) ? 1 : size));
    const keptStrides = stridesOf(kept);
    const strides = stridesOf(x.shape);
    const data = new Float64Array(elementCount(kept)).fill(start);
    for (let i = 0; i < x.data.length; i++) {
      let to = 0;
      for (let d = 0; d < kept.length; d++) {
        if (!axes.has(d)) to += (Math.floor(i / strides[d]!) % x.shape[d]!) * keptStrides[d]!;
      }
      data[to] = f(data[to]!, x.data[i]!);
    }
    if (mean) for (let i = 0; i < data.length; i++) data[i]! /= x.data.length / data.length;
    const keep = intAttribute(call.attributes, 'keepdims', 1) === 1;
    return [{ dtype: x.dtype, shape: keep ? kept : x.shape.filter((_, i) => !axes.has(i)), data }];
  };
}

function softmax(call: KernelCall, log: boolean): Tensor64[] {
  const x = input(call, 0);
  const data = new Float64Array(x.data.length);
  alongAxis(x, normaliseAxis(intAttribute(call.attributes, 'axis', -1), x.shape.length), (run) => {
    const peak = Math.max(...run.map((i) => x.data[i]!));
    const total = run.reduce((sum, i) => sum + Math.exp(x.data[i]! - peak), 0);
    for (const i of run) {
      data[i] = log ? x.data[i]! - peak - Math.log(total) : Math.exp(x.data[i]! - peak) / total;
    }
  });
  return [{ ...x, data }];
}

export const reductionKernels: Record<keyof typeof reductions, Kernel> = {
  ReduceSum: reduce(0, (a, b) => a + b),
  ReduceMean: reduce(0, (a, b) => a + b, true),
  ReduceMax: reduce(Number.NEGATIVE_INFINITY, Math.max),
  ReduceMin: reduce(Number.POSITIVE_INFINITY, Math.min),
  ReduceProd: reduce(1, (a, b) => a * b),
  ReduceL2: (call) => {
    const [sum] = reduce(0, (a, b) => a + b * b)(call);
    return [{ ...sum!, data: sum!.data.map(Math.sqrt) }];
  },
  Softmax: (call) => softmax(call, false),
  LogSoftmax: (call) => softmax(call, true),
  CumSum: (call) => {
    const x = input(call, 0);
    const exclusive = intAttribute(call.attributes, 'exclusive', 0) === 1;
    const data = new Float64Array(x.data.length);
    alongAxis(x, normaliseAxis(input(call, 1).data[0]!, x.shape.length), (run) => {
      if (intAttribute(call.attributes, 'reverse', 0)) run.reverse();
      let sum = 0;
      for (const i of run) {
        if (exclusive) data[i] = sum;
        sum += x.data[i]!;
        if (!exclusive) data[i] = sum;
      }
    });
    return [{ ...x, data }];
  },
  ArgMax: (call) => {
    const x = input(call, 0);
    const axis = normaliseAxis(intAttribute(call.attributes, 'axis', 0), x.shape.length);
    const last = intAttribute(call.attributes, 'select_last_index', 0) === 1;
    const picks: number[] = [];
    alongAxis(x, axis, (run) => {
      let best = 0;
      run.forEach((at, i) => {
        const value = x.data[at]!;
        if (value > x.data[run[best]!]! || (last && value === x.data[run[best]!]!)) best = i;
      });
      picks.push(best);
    });
    const keep = intAttribute(call.attributes, 'keepdims', 1) === 1;
    const shape = keep ? x.shape.map((n, i) => (i === axis ? 1 : n)) : x.shape.filter((_, i) => i !== axis);
    return [{ dtype: 'int64', shape, data: Float64Array.from(picks) }];
  },
  TopK: (call) => {
    const x = input(call, 0);
    const k = input(call, 1).data[0]!;
    const axis = normaliseAxis(intAttribute(call.attributes, 'axis', -1), x.shape.length);
    const sign = intAttribute(call.attributes, 'largest', 1) ? 1 : -1;
    const shape = x.shape.map((n, i) => (i === axis ? k : n));
    const { inner } = aroundAxis(shape, axis);
    const values = new Float64Array(elementCount(shape));
    const positions = new Float64Array(values.length);
    let run = 0;
    alongAxis(x, axis, (at) => {
      const order = at.map((_, i) => i).sort((a, b) => sign * (x.data[at[b]!]! - x.data[at[a]!]!) || a - b);
      const base = Math.floor(run / inner) * k * inner + (run % inner);
      for (let i = 0; i < k; i++) {
        values[base + i * inner] = x.data[at[order[i]!]!]!;
        positions[base + i * inner] = order[i]!;
      }
      run++;
    });
    return [
      { dtype: x.dtype, shape, data: values },
      { dtype: 'int64', shape, data: positions },
    ];
  },
  LayerNormalization: (call) => {
    const x = input(call, 0);
    const [, scale, bias] = call.inputs;
    const axis = normaliseAxis(intAttribute(call.attributes, 'axis', -1), x.shape.length);
    const epsilon = intAttribute(call.attributes, 'epsilon', 1e-5);
    const size = elementCount(x.shape.slice(axis));
    const rows = x.data.length / size;
    const data = new Float64Array(x.data.length);
    const means = new Float64Array(rows);
    const inverses = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      const row = x.data.subarray(r * size, (r + 1) * size);
      const mean = row.reduce((sum, v) => sum + v, 0) / size;
      const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
      const inverse = 1 / Math.sqrt(variance + epsilon);
      row.forEach((v, i) => {
        data[r * size + i] = (v - mean) * inverse * scale!.data[i]! + (bias?.data[i] ?? 0);
      });
      means[r] = mean;
      inverses[r] = inverse;
    }
    const shape = x.shape.map((n, i) => (i < axis ? n : 1));
    return [
      { ...x, data },
      { dtype: 'float32', shape, data: means },
      { dtype: 'float32', shape, data: inverses },
    ];
  },
};
