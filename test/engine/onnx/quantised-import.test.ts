import { type NodeProto, TensorProto_DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { GraphError, importModel, tensor } from '../../../lib/engine/onnx/index.ts';
import { linears } from '../../../lib/engine/peft/index.ts';
import { relativeError } from './support/compare.ts';
import { foreignModel, info, node, stored, type TensorInit } from './support/foreign.ts';
import { uniform } from './support/random.ts';
import { runGraph, runModel, toRuntime } from './support/runtime.ts';

const microsoft = 'com.microsoft';
const random = uniform(5);
const floats = (...shape: number[]) =>
  tensor(
    'float32',
    shape,
    Array.from({ length: shape.reduce((n, size) => n * size, 1) }, () => Math.fround(2 * random() - 1)),
  );
const bytes = (
  name: string,
  dims: number[],
  dataType: TensorProto_DataType,
  values: ArrayLike<number>,
): TensorInit => ({
  name,
  dims: dims.map(BigInt),
  dataType,
  rawData: Uint8Array.from(values),
});
const signed = (name: string, dims: number[], values: number[]) =>
  bytes(
    name,
    dims,
    TensorProto_DataType.INT8,
    Uint8Array.from(values, (value) => value & 255),
  );
const unsigned = (name: string, dims: number[], values: number[]) =>
  bytes(name, dims, TensorProto_DataType.UINT8, values);
const scale = (name: string, ...values: number[]) =>
  stored(name, tensor('float32', values.length === 1 ? [] : [values.length], values));

const wholes = Array.from({ length: 12 }, (_, i) => ((i * 53) % 200) - 100);
const x = floats(3, 4);

interface Part {
  readonly node: NodeProto[];
  readonly initializer?: TensorInit[];
}

function model(graph: Part, input = info('x', 'float32', [3, 4])): Uint8Array {
  return foreignModel(
    {
      node: graph.node,
      initializer: graph.initializer ?? [],
      input: [input],
      output: [info('y', 'float32')],
    },
    { opset: 17, domains: [microsoft] },
  );
}

/** Of what the runtime makes of the file and of the imported graph: the relative difference. */
async function difference(file: Uint8Array, given = x): Promise<number> {
  const graph = importModel(file);
  const expected = await runModel(file, { x: toRuntime(given) });
  const found = await runGraph(graph, { x: given });
  return relativeError(found.y!.data, expected.y!.data);
}

const range = ['x', 's', 'z'];
const range8 = [scale('s', 2 / 255), unsigned('z', [], [128])];
const weights = [
  signed('w_quantized', [4, 3], wholes),
  scale('w_scale', 0.01),
  signed('w_zero_point', [], [3]),
];
const w = ['w_quantized', 'w_scale', 'w_zero_point'];

const FORMS: readonly { name: string; graph: Part; rounded: boolean }[] = [
  {
    name: 'dynamic 8 bits, a scale for each column',
    rounded: true,
    graph: {
      node: [
        node('DynamicQuantizeLinear', ['x'], ['q', 'qs', 'qz']),
        node('Mul', ['qs', 'w_scale'], ['both']),
        node('MatMulInteger', ['q', 'w_quantized', 'qz', 'w_zero_point'], ['whole']),
        node('Cast', ['whole'], ['cast'], { to: 1 }),
        node('Mul', ['cast', 'both'], ['y']),
      ],
      initializer: [
        signed('w_quantized', [4, 3], wholes),
        scale('w_scale', 0.01, 0.02, 0.005),
        signed('w_zero_point', [3], [0, 1, -2]),
      ],
    },
  },
  {
    name: 'QDQ',
    rounded: true,
    graph: {
      node: [
        node('QuantizeLinear', range, ['q']),
        node('DequantizeLinear', ['q', 's', 'z'], ['x2']),
        node('DequantizeLinear', w, ['w2']),
        node('MatMul', ['x2', 'w2'], ['y']),
      ],
      initializer: [...range8, ...weights],
    },
  },
  {
    name: 'QOperator',
    rounded: true,
    graph: {
      node: [
        node('QuantizeLinear', range, ['q']),
        node('QLinearMatMul', ['q', 's', 'z', ...w, 'ys', 'yz'], ['p']),
        node('QLinearAdd', ['p', 'ys', 'yz', 'p', 'ys', 'yz', 'ys2', 'yz'], ['p2'], {}, microsoft),
        node('DequantizeLinear', ['p2', 'ys2', 'yz'], ['y']),
      ],
      initializer: [...range8, ...weights, scale('ys', 0.03), scale('ys2', 0.06), unsigned('yz', [], [128])],
    },
  },
  {
    name: 'products that scale by themselves',
    rounded: true,
    graph: {
      node: [node('DynamicQuantizeMatMul', ['x', ...w, 'b'], ['y'], {}, microsoft)],
      initializer: [...weights, stored('b', floats(3))],
    },
  },
  {
    name: 'blocks of 4 bits with zero points',
    rounded: false,
    graph: {
      node: [
        node(
          'MatMulNBits',
          ['x', 'w_Q4', 'w_scales', 'w_zeros'],
          ['y'],
          { bits: 4, block_size: 16, K: 4, N: 3 },
          microsoft,
        ),
      ],
      initializer: [
        unsigned(
          'w_Q4',
          [3, 1, 8],
          Array.from({ length: 24 }, (_, i) => (i * 37) % 256),
        ),
        scale('w_scales', 0.1, 0.2, 0.05),
        unsigned('w_zeros', [3], [7, 8, 9]),
      ],
    },
  },
];

describe('importModel of quantised files', () => {
  it.each(FORMS)('$name: a float32 weight of its name, which LoRA finds', async ({ graph, rounded }) => {
    // given
    const file = model(graph);
    // when
    const imported = importModel(file);
    // then
    expect(linears(imported).map(({ weight, in: inside, out }) => [weight, inside, out])).toEqual([
      ['w', 4, 3],
    ]);
    expect(await difference(file)).toBeLessThan(rounded ? 0.03 : 1e-6);
  });

  it('looks up rows of a quantised table', async () => {
    // given
    const ids = tensor('int64', [3], [2, 0, 3]);
    const file = model(
      {
        node: [
          node('Gather', ['w_quantized', 'x'], ['rows']),
          node('DequantizeLinear', ['rows', ...w.slice(1)], ['y']),
        ],
        initializer: weights,
      },
      info('x', 'int64', [3]),
    );
    // when / then
    expect(importModel(file).parameters.map(({ name, shape }) => [name, shape])).toEqual([['w', [4, 3]]]);
    expect(await difference(file, ids)).toBeLessThan(1e-7);
  });

  it('says which file to take instead of one that it cannot read', () => {
    // given
    const file = model({
      node: [node('DequantizeLinear', w, ['w2']), node('QLinearConv', ['x', 'w2'], ['y'])],
      initializer: weights,
    });
    // when / then
    expect(() => importModel(file)).toThrow(GraphError);
    expect(() => importModel(file)).toThrow(
      /QLinearConv:y \(QLinearConv\)\); take the file that it was made from: .* model\.onnx/,
    );
  });

  it('puts nodes in order', async () => {
    // given
    const file = model({
      node: [node('Exp', ['b'], ['y']), node('Neg', ['a'], ['b']), node('Abs', ['x'], ['a'])],
    });
    // when / then
    expect(importModel(file).nodes.map(({ op }) => op)).toEqual(['Abs', 'Neg', 'Exp']);
  });
});
