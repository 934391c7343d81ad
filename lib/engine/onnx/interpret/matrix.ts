import { broadcastShapes } from '../dims.ts';
import type { matrix } from '../operators/matrix.ts';
import { intAttribute } from '../operators/spec.ts';
import { elementCount } from '../tensor.ts';
import { broadcastTo, input, type Kernel, readStrided, stridesOf, type Tensor64 } from './kernel.ts';

function swapLast(x: Tensor64): Tensor64 {
  const axes = x.shape.map((_, i) => i);
  axes.push(...axes.splice(-2).reverse());
  const strides = stridesOf(x.shape);
  return readStrided(
    x,
    axes.map((a) => x.shape[a]!),
    axes.map((a) => strides[a]!),
  );
}

function matmul(a: Tensor64, b: Tensor64, alpha: number): Tensor64 {
  const left = a.shape.length === 1 ? { ...a, shape: [1, ...a.shape] } : a;
  const right = b.shape.length === 1 ? { ...b, shape: [...b.shape, 1] } : b;
  const [m, k] = left.shape.slice(-2) as [number, number];
  const n = right.shape.at(-1)!;
  const lead = broadcastShapes(left.shape.slice(0, -2), right.shape.slice(0, -2)) as number[];
  const x = broadcastTo(left, [...lead, m, k]);
  const y = broadcastTo(right, [...lead, k, n]);
  const data = new Float64Array(elementCount(lead) * m * n);
  for (let batch = 0; batch < elementCount(lead); batch++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++)
          sum += x.data[(batch * m + i) * k + p]! * y.data[(batch * k + p) * n + j]!;
        data[(batch * m + i) * n + j] = alpha * sum;
      }
    }
  }
  const shape = [...lead, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [n] : [])];
  return { dtype: a.dtype, shape, data };
}

const product: Kernel = (call) => {
  const { attributes } = call;
  const a = intAttribute(attributes, 'transA', 0) ? swapLast(input(call, 0)) : input(call, 0);
  const b = intAttribute(attributes, 'transB', 0) ? swapLast(input(call, 1)) : input(call, 1);
  return [matmul(a, b, intAttribute(attributes, 'alpha', 1))];
};

export const matrixKernels: Record<keyof typeof matrix, Kernel> = {
  MatMul: product,
  FusedMatMul: product,
  Gemm: (call) => {
    const [y] = product(call);
    const addend = call.inputs[2];
    if (!addend) return [y!];
    const beta = intAttribute(call.attributes, 'beta', 1);
    const c = broadcastTo(addend, y!.shape);
    return [{ ...y!, data: y!.data.map((v, i) => v + beta * c.data[i]!) }];
  },
};
