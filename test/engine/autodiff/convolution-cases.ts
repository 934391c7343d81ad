import type { OpType } from '../../../lib/engine/onnx/index.ts';
import type { Case, CaseInput } from './cases.ts';

const f = (...shape: number[]): CaseInput => ({ shape });

function conv(
  x: readonly number[],
  weight: readonly number[],
  attributes: Record<string, number | string | number[]> = {},
  bias = false,
): Case {
  return {
    inputs: [f(...x), f(...weight), ...(bias ? [f(weight[0]!)] : [])],
    build: (g, values) => g.op('Conv', values, attributes),
  };
}

function pool(
  op: OpType,
  x: readonly number[],
  attributes: Record<string, number | string | number[]> = {},
): Case {
  return { inputs: [f(...x)], build: (g, [value]) => g.op(op, [value], attributes) };
}

const pools = (op: 'MaxPool' | 'AveragePool'): Case[] => [
  pool(op, [2, 3, 6], { kernel_shape: [2], strides: [2] }),
  pool(op, [2, 2, 7], { kernel_shape: [3], strides: [2], pads: [1, 1] }),
  pool(op, [2, 2, 7], { kernel_shape: [3], strides: [2], pads: [1, 0], ceil_mode: 1 }),
  pool(op, [1, 2, 8], { kernel_shape: [2], strides: [3], dilations: [2] }),
  pool(op, [2, 1, 5], { kernel_shape: [2], strides: [2], auto_pad: 'SAME_LOWER' }),
  pool(op, [2, 2, 5, 4], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
];

/** Convolutions and pools: strides, pads on either side, dilations, groups, one and two spatial axes. */
export const convolutionCases: Partial<Record<OpType, Case[]>> = {
  Conv: [
    conv([2, 3, 7], [4, 3, 3]),
    conv([2, 3, 7], [4, 3, 3], { pads: [1, 1] }, true),
    conv([2, 3, 8], [4, 3, 3], { pads: [2, 0], strides: [2] }, true),
    conv([2, 3, 8], [4, 3, 2], { strides: [3], dilations: [2] }),
    conv([1, 2, 5], [2, 2, 2], { pads: [4, 3] }),
    conv([2, 4, 6], [6, 2, 3], { group: 2, pads: [1, 1], dilations: [2], kernel_shape: [3] }, true),
    conv([2, 4, 6], [4, 1, 3], { group: 4, strides: [2], auto_pad: 'SAME_UPPER' }),
    conv([2, 2, 5], [3, 2, 4], { auto_pad: 'SAME_LOWER' }),
    conv([2, 2, 5], [3, 2, 1], { auto_pad: 'VALID' }),
    conv([2, 2, 5, 4], [3, 2, 3, 2], { pads: [1, 0, 1, 1], strides: [2, 1] }, true),
    conv([1, 4, 4, 5], [4, 2, 2, 2], { group: 2, dilations: [1, 2], strides: [1, 2] }),
  ],
  MaxPool: pools('MaxPool'),
  AveragePool: [
    ...pools('AveragePool'),
    pool('AveragePool', [2, 2, 7], { kernel_shape: [3], strides: [2], pads: [1, 1], count_include_pad: 1 }),
    pool('AveragePool', [1, 2, 4, 6], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
      count_include_pad: 1,
      ceil_mode: 1,
    }),
  ],
  GlobalMaxPool: [pool('GlobalMaxPool', [2, 3, 5]), pool('GlobalMaxPool', [2, 3, 2, 4])],
  GlobalAveragePool: [pool('GlobalAveragePool', [2, 3, 5]), pool('GlobalAveragePool', [2, 3, 2, 4])],
};
