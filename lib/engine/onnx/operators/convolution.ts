import { type Dim, formatShape, type Shape } from '../dims.ts';
import { unknownDims } from './movement.ts';
import {
  type AttributeKind,
  type InferContext,
  listAttribute,
  type OperatorSpec,
  stringAttribute,
} from './spec.ts';
import { extent, windowsOf } from './window.ts';

const windowAttributes: Readonly<Record<string, AttributeKind>> = {
  auto_pad: 'string',
  dilations: 'ints',
  kernel_shape: 'ints',
  pads: 'ints',
  strides: 'ints',
};

const AUTO_PAD = ['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'];

/** The sizes of the result's spatial axes; a symbolic size is kept where the windows neither shrink nor stride. */
function windowedSizes(node: InferContext, sizes: Shape, kernel: readonly number[]): Dim[] {
  const { attributes } = node;
  const auto = stringAttribute(attributes, 'auto_pad', 'NOTSET');
  if (!AUTO_PAD.includes(auto)) node.fail(`auto_pad must be one of ${AUTO_PAD.join(', ')}, not ${auto}`);
  for (const [name, length] of [
    ['strides', 1],
    ['dilations', 1],
    ['pads', 2],
  ] as const) {
    const given = listAttribute(attributes, name);
    if (given && given.length !== length * kernel.length)
      node.fail(`${name} [${given}] do not fit a window of ${kernel.length} axes`);
    if (given?.some((value) => value < (name === 'pads' ? 0 : 1)))
      node.fail(`${name} [${given}] must not be below ${name === 'pads' ? 0 : 1}`);
  }
  if (sizes.length !== kernel.length)
    node.fail(`a window of ${kernel.length} axes does not fit ${sizes.length} spatial axes`);
  // A stand-in size: how far the window shortens the axis does not depend on it when the stride is 1.
  const stand = Math.max(
    ...kernel.map((k, i) => extent(k, listAttribute(attributes, 'dilations')?.[i] ?? 1)),
  );
  const windows = windowsOf(
    sizes.map((size) => (typeof size === 'number' ? size : stand)),
    kernel,
    attributes,
  );
  return sizes.map((size, i): Dim => {
    const output = windows.output[i]!;
    if (typeof size === 'number') {
      if (output < 1) node.fail(`the window of ${kernel[i]} is longer than axis ${i + 2} with its padding`);
      return output;
    }
    return windows.strides[i] === 1 && output === stand ? size : unknownDims(node, i + 1)[i]!;
  });
}

function pooled(node: InferContext): Dim[] {
  node.requireFloat(0);
  const shape = node.shape(0);
  if (shape.length < 3) node.fail('the input must be (batch, channels, …)');
  const kernel = listAttribute(node.attributes, 'kernel_shape') ?? node.fail('kernel_shape is missing');
  const pads = listAttribute(node.attributes, 'pads') ?? [];
  if (pads.some((pad, i) => pad >= kernel[i % kernel.length]!))
    node.fail(`pads [${pads}] must be smaller than the window ${formatShape(kernel)}`);
  return [...shape.slice(0, 2), ...windowedSizes(node, shape.slice(2), kernel)];
}

const globalPool: OperatorSpec = {
  inputs: [1, 1],
  infer: (node) => {
    node.requireFloat(0);
    const { dtype, shape } = node.input(0);
    if (shape.length < 3) node.fail('the input must be (batch, channels, …)');
    return [{ dtype, shape: shape.map((dim, i) => (i < 2 ? dim : 1)) }];
  },
};

export const convolutions = {
  /** x (batch, channels, …), weight (out, channels / group, …), bias (out) -> (batch, out, …): cross-correlation. */
  Conv: {
    inputs: [2, 3],
    attributes: { ...windowAttributes, group: 'int' },
    infer: (node) => {
      node.requireFloat(0, 1);
      const dtype = node.requireSameType(0, 1);
      const x = node.shape(0);
      const [out, perGroup, ...kernel] = node.shape(1);
      if (x.length < 3 || x.length !== node.shape(1).length) {
        node.fail(
          'the input must be (batch, channels, …) and the weight (out, channels, …) of the same rank',
        );
      }
      if (
        typeof out !== 'number' ||
        typeof perGroup !== 'number' ||
        !kernel.every((k) => typeof k === 'number')
      )
        return node.fail('the sizes of the weight must be fixed');
      const group = node.int('group', 1);
      if (typeof x[1] === 'number' && x[1] !== perGroup * group)
        node.fail(`${x[1]} channels are not ${group} groups of ${perGroup}`);
      if (out % group !== 0) node.fail(`${out} outputs do not divide into ${group} groups`);
      const declared = listAttribute(node.attributes, 'kernel_shape') ?? kernel;
      if (declared.length !== kernel.length || declared.some((k, i) => k !== kernel[i]))
        node.fail(`kernel_shape [${declared}] is not that of the weight`);
      if (node.inputs[2] && (node.shape(2).length !== 1 || node.shape(2)[0] !== out))
        node.fail(`the bias must be [${out}]`);
      return [{ dtype, shape: [x[0]!, out, ...windowedSizes(node, x.slice(2), kernel)] }];
    },
  },
  /** Outputs: the largest element of each window, and the place of the first such in the flattened input. */
  MaxPool: {
    inputs: [1, 1],
    attributes: { ...windowAttributes, ceil_mode: 'int', storage_order: 'int' },
    infer: (node) => {
      if (node.int('storage_order', 0) !== 0) node.fail('storage_order must be 0');
      const shape = pooled(node);
      return [
        { dtype: node.input(0).dtype, shape },
        { dtype: 'int64', shape },
      ];
    },
  },
  AveragePool: {
    inputs: [1, 1],
    attributes: { ...windowAttributes, ceil_mode: 'int', count_include_pad: 'int' },
    infer: (node) => [{ dtype: node.input(0).dtype, shape: pooled(node) }],
  },
  GlobalMaxPool: globalPool,
  GlobalAveragePool: globalPool,
} satisfies Record<string, OperatorSpec>;
