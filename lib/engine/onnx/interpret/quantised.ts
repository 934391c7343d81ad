import type { quantised } from '../operators/quantised.ts';
import { broadcastTo, input, type Kernel } from './kernel.ts';
import { matrixKernels } from './matrix.ts';

export const quantisedKernels: Record<keyof typeof quantised, Kernel> = {
  DynamicQuantizeLinear: (call) => {
    const x = input(call, 0);
    const low = x.data.reduce((least, value) => Math.min(least, value), 0);
    const high = x.data.reduce((most, value) => Math.max(most, value), 0);
    const scale = (high - low) / 255 || 1;
    const zero = to8Bits(-low / scale);
    return [
      { ...x, dtype: 'uint8', data: x.data.map((value) => to8Bits(roundHalfEven(value / scale) + zero)) },
      { dtype: 'float32', shape: [], data: Float64Array.of(scale) },
      { dtype: 'uint8', shape: [], data: Float64Array.of(zero) },
    ];
  },
  MatMulInteger: (call) => {
    const shifted = [0, 1].map((i) => {
      const x = input(call, i);
      const zero = call.inputs[i + 2];
      if (!zero) return x;
      const by = broadcastTo(zero, x.shape).data;
      return { ...x, data: x.data.map((value, at) => value - by[at]!) };
    });
    const [product] = matrixKernels.MatMul({ ...call, inputs: shifted });
    return [{ ...product!, dtype: 'int32' }];
  },
};

function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}

function to8Bits(x: number): number {
  return Math.min(255, Math.max(0, roundHalfEven(x)));
}
