import { elementCount, type Tensor, toNumbers } from '../tensor.ts';
import { dequantise, unpacked } from './dequantise.ts';
import type { Dequantiser } from './dequantiser.ts';
import type { ForeignNode } from './foreign-node.ts';

/** Writes a quantised node in float32; false where it has to be kept. */
type Rule = (walk: Dequantiser, node: ForeignNode) => boolean;

/** Operators that keep values as they are, and so mean the same of quantised values and of what they stand for. */
const plain: ReadonlySet<string> = new Set([
  'Gather',
  'Transpose',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Slice',
  'Split',
  'Expand',
  'Identity',
  'Concat',
  'MaxPool',
]);

export function movesValues(key: string): boolean {
  return plain.has(key);
}

function int(node: ForeignNode, name: string, fallback: number): number {
  const attribute = node.attributes.get(name);
  return attribute ? Number(attribute.i) : fallback;
}

/** Rounds values and takes the rounding back: both are left out. */
const quantise: Rule = (walk, node) => {
  walk.standsFor(node.outputs[0], node.inputs[0] ?? '');
  return true;
};

const restore: Rule = (walk, node) => {
  walk.standsFor(node.outputs[0], walk.float(node, 0, 1, 2, int(node, 'axis', 1)));
  return true;
};

/** The range of a value is its own, so no step is stored. */
const quantiseAsItComes: Rule = (walk, node) => {
  quantise(walk, node);
  walk.markStep(node.outputs[1]);
  return true;
};

/** An operation on quantised inputs: `inputs` are the places of values, each followed by scale and zero point. */
function of(op: string, inputs: readonly number[], keep: readonly string[] = []): Rule {
  return (walk, node) => {
    const values = inputs.map((input) => walk.float(node, input));
    walk.emit(node, op, values, keep);
    walk.standsFor(node.outputs[0], node.outputs[0] ?? '');
    return true;
  };
}

/** Products of whole numbers wait for the scale, which comes later: cast, then multiplied by both steps. */
const integerProduct: Rule = (walk, node) => {
  const inputs = [0, 1, 2, 3].map((input) => node.inputs[input] ?? '');
  walk.holdProduct(node.outputs[0] ?? '', { ...node, inputs });
  return true;
};

const castOfProduct: Rule = (walk, node) => {
  const product = walk.productOf(node.inputs[0]);
  if (!product) return false;
  walk.holdProduct(node.outputs[0] ?? '', product);
  return true;
};

/** Either both steps are multiplied with each other, or with a product of whole numbers. */
const scaled: Rule = (walk, node) => {
  const [a = '', b = ''] = node.inputs;
  const product = walk.productOf(a) ?? walk.productOf(b);
  if (product) {
    const scale = walk.scaleOf(walk.productOf(a) ? b : a);
    const whole = { ...product, inputs: [...product.inputs, scale], outputs: node.outputs };
    walk.emit(whole, 'MatMul', [walk.float(whole, 0, 4, 2), walk.float(whole, 1, 4, 3)]);
    return true;
  }
  if (!walk.isStep(a) && !walk.isStep(b)) return false;
  walk.holdScale(node.outputs[0] ?? '', walk.isStep(a) ? b : a);
  return true;
};

/** x @ W + bias with places of the inputs. */
function product(weight: number, scale: number, zero: number, bias: number): Rule {
  return (walk, node) => {
    const values = [walk.float(node, 0), walk.float(node, weight, scale, zero)];
    withBias(walk, node, values, node.inputs[bias]);
    return true;
  };
}

function withBias(walk: Dequantiser, node: ForeignNode, values: string[], bias: string | undefined): void {
  if (!bias) {
    walk.emit(node, 'MatMul', values);
    return;
  }
  const before = walk.emitBefore(node, 'MatMul', values, `${node.outputs[0]}/product`);
  walk.emit(node, 'Add', [before, bias]);
}

/** Weights in blocks along the input: B (out, blocks, bytes), a scale a block, zero points packed as the weights are. */
const blocks: Rule = (walk, node) => {
  const [bits, size] = [int(node, 'bits', 4), int(node, 'block_size', 32)];
  const [rows, columns] = [int(node, 'N', 0), int(node, 'K', 0)];
  const [name = '', scaleName = '', zeroName = '', order = ''] = node.inputs.slice(1);
  const scales = walk.floats(scaleName);
  if (![2, 4, 8].includes(bits) || order !== '' || !scales || !walk.isStored(name)) return walk.refuse(node);
  const perRow = Math.ceil(columns / size);
  const values = unpacked(walk.wholes(node, name), bits, rows * perRow, size);
  const float = zeroName === '' ? undefined : walk.floats(zeroName);
  const zeros = float
    ? toNumbers(float)
    : zeroName === ''
      ? new Array<number>(rows * perRow).fill(2 ** (bits - 1))
      : unpacked(walk.wholes(node, zeroName), bits, rows, perRow);
  const steps = { shape: [rows, perRow], scales: toNumbers(scales), zeros, axis: 1 };
  const padded = dequantise({ shape: [rows, perRow * size], values }, steps, name);
  withBias(walk, node, [walk.float(node, 0), walk.addWeight(name, swapped(padded, columns))], node.inputs[5]);
  return true;
};

/** (out, padded in) -> (in, out) */
function swapped({ shape: [rows = 0, padded = 0], data }: Tensor, columns: number): Tensor {
  const turned = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      turned[column * rows + row] = Number(data[row * padded + column]);
  }
  return { dtype: 'float32', shape: [columns, rows], data: turned };
}

/** A table in blocks along its rows, looked up. */
const lookUp: Rule = (walk, node) => {
  const [name = '', ids = '', scaleName = '', zeroName = ''] = node.inputs;
  const scales = walk.floats(scaleName);
  const axis = int(node, 'quantize_axis', 1);
  if (scales?.shape.length !== 2 || int(node, 'gather_axis', 0) !== 0 || Math.abs(axis) !== 1)
    return walk.refuse(node);
  const [rows = 0, perRow = 0] = scales.shape;
  const bits = int(node, 'bits', 4);
  const columns = perRow * int(node, 'block_size', 128);
  const packed = walk.isPacked(name);
  const stored = walk.wholes(node, name);
  const values = packed && bits < 8 ? unpacked(stored, bits, rows, columns) : stored;
  const zeroValues = zeroName === '' ? undefined : walk.wholes(node, zeroName);
  const unset = packed ? new Array<number>(elementCount(scales.shape)).fill(2 ** (bits - 1)) : undefined;
  const zeros =
    zeroValues && packed && bits < 8 ? unpacked(zeroValues, bits, rows, perRow) : (zeroValues ?? unset);
  const steps = { shape: scales.shape, scales: toNumbers(scales), zeros, axis: 1 };
  if (values.length !== rows * columns) return walk.refuse(node);
  const table = walk.addWeight(name, dequantise({ shape: [rows, columns], values }, steps, name));
  walk.emit(node, 'Gather', [table, ids]);
  return true;
};

/** C of Gemm is stored with the product of both scales. */
const gemm: Rule = (walk, node) => {
  const bias = node.inputs[6] ? [walk.addBias(node, 6, [1, 4])] : [];
  walk.emit(
    node,
    'Gemm',
    [walk.float(node, 0), walk.float(node, 3, 4, 5, 0), ...bias],
    ['alpha', 'transA', 'transB'],
  );
  walk.standsFor(node.outputs[0], node.outputs[0] ?? '');
  return true;
};

/** The scale and zero point of the result come first, then all inputs. */
const concat: Rule = (walk, node) => {
  const count = Math.floor((node.inputs.length - 2) / 3);
  const values = Array.from({ length: count }, (_, i) => walk.float(node, 2 + 3 * i));
  walk.emit(node, 'Concat', values, ['axis']);
  walk.standsFor(node.outputs[0], node.outputs[0] ?? '');
  return true;
};

const attention: Rule = (walk, node) => {
  if (node.inputs[8]) return walk.refuse(node);
  const inputs = [
    walk.float(node, 0, 3, 6),
    walk.float(node, 1, 4, 7),
    node.inputs[2] ?? '',
    node.inputs[5] ?? '',
  ];
  const keep = ['num_heads', 'unidirectional', 'mask_filter_value', 'scale', 'do_rotary'];
  walk.emit(node, 'Attention', inputs, keep, 'com.microsoft');
  return true;
};

/** Tables of words, positions and types, scale and bias of the norm: each with a scale from place 8 and a zero point from 13. */
const embeddings: Rule = (walk, node) => {
  const tables = [2, 3, 4, 5, 6].map((input) => walk.float(node, input, input + 6, input + 11));
  const inputs = [node.inputs[0] ?? '', node.inputs[1] ?? '', ...tables, node.inputs[7] ?? ''];
  walk.emit(node, 'EmbedLayerNormalization', inputs, ['epsilon'], 'com.microsoft');
  return true;
};

/** By operator. Activations that an operator gives rounded are float32 from then on. */
export const quantisedRules: Readonly<Record<string, Rule>> = {
  QuantizeLinear: quantise,
  DequantizeLinear: restore,
  DynamicQuantizeLinear: quantiseAsItComes,
  MatMulInteger: integerProduct,
  Cast: castOfProduct,
  Mul: scaled,
  QLinearMatMul: of('MatMul', [0, 3]),
  'com.microsoft.QuantizeLinear': quantise,
  'com.microsoft.DequantizeLinear': restore,
  'com.microsoft.MatMulIntegerToFloat': (walk, node) => {
    const values = [walk.float(node, 0, 2, 4), walk.float(node, 1, 3, 5)];
    withBias(walk, node, values, node.inputs[6]);
    return true;
  },
  'com.microsoft.DynamicQuantizeMatMul': product(1, 2, 3, 4),
  'com.microsoft.MatMulNBits': blocks,
  'com.microsoft.GatherBlockQuantized': lookUp,
  'com.microsoft.QLinearAdd': of('Add', [0, 3]),
  'com.microsoft.QLinearMul': of('Mul', [0, 3]),
  'com.microsoft.QLinearSigmoid': of('Sigmoid', [0]),
  'com.microsoft.QLinearLeakyRelu': of('LeakyRelu', [0], ['alpha']),
  'com.microsoft.QLinearSoftmax': of('Softmax', [0], ['axis']),
  'com.microsoft.QLinearConcat': concat,
  'com.microsoft.QGemm': gemm,
  'com.microsoft.QAttention': attention,
  'com.microsoft.QEmbedLayerNormalization': embeddings,
};
