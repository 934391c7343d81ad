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
    name: 'products of whole numbers that come out as floats',
    rounded: true,
    graph: {
      node: [
        node('DynamicQuantizeLinear', ['x'], ['q', 'qs', 'qz']),
        node(
          'MatMulIntegerToFloat',
          ['q', 'w_quantized', 'qs', 'w_scale', 'qz', 'w_zero_point', 'b'],
          ['y'],
          {},
          microsoft,
        ),
      ],
      initializer: [...weights, stored('b', floats(3))],
    },
  },
  {
    name: 'QGemm',
    rounded: true,
    graph: {
      node: [
        node('QuantizeLinear', range, ['q']),
        node('QGemm', ['q', 's', 'z', ...w], ['y'], { alpha: 0.5 }, microsoft),
      ],
      initializer: [...range8, ...weights],
    },
  },
  {
    name: 'operations on rounded values one after the other',
    rounded: true,
    graph: {
      node: [
        node('QuantizeLinear', range, ['q']),
        node('QLinearMatMul', ['q', 's', 'z', ...w, 'ys', 'yz'], ['p']),
        node('QLinearMul', ['p', 'ys', 'yz', 'p', 'ys', 'yz', 'ms', 'yz'], ['m'], {}, microsoft),
        node('QLinearLeakyRelu', ['m', 'ms', 'yz', 'ms', 'yz'], ['l'], { alpha: 0.25 }, microsoft),
        node('QLinearSigmoid', ['l', 'ms', 'yz', 'us', 'uz'], ['g'], {}, microsoft),
        node('QLinearConcat', ['us', 'uz', 'g', 'us', 'uz', 'g', 'us', 'uz'], ['c'], { axis: 1 }, microsoft),
        node('QLinearSoftmax', ['c', 'us', 'uz', 'us', 'uz'], ['n'], { axis: 1, opset: 13 }, microsoft),
        node('DequantizeLinear', ['n', 'us', 'uz'], ['y']),
      ],
      initializer: [
        ...[...range8, ...weights, scale('ys', 0.03), unsigned('yz', [], [128])],
        ...[scale('ms', 0.08), scale('us', 1 / 256), unsigned('uz', [], [0])],
      ],
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

  it('looks up rows of a table in blocks of 4 bits', async () => {
    const file = model(
      {
        node: [
          node(
            'GatherBlockQuantized',
            ['w_Q4', 'x', 'w_scales', 'w_zeros'],
            ['y'],
            { bits: 4, block_size: 16, gather_axis: 0, quantize_axis: 1 },
            microsoft,
          ),
        ],
        initializer: [
          unsigned(
            'w_Q4',
            [4, 8],
            Array.from({ length: 32 }, (_, i) => (i * 37) % 256),
          ),
          stored('w_scales', tensor('float32', [4, 1], [0.1, 0.2, 0.05, 0.3])),
          unsigned('w_zeros', [4, 1], [7, 8, 9, 8]),
        ],
      },
      info('x', 'int64', [3]),
    );
    expect(await difference(file, tensor('int64', [3], [2, 0, 3]))).toBeLessThan(1e-6);
  });

  it('reads attention of rounded inputs and weights', async () => {
    const file = model(
      {
        node: [
          node('QuantizeLinear', range, ['q']),
          node(
            'QAttention',
            ['q', 'a_quantized', 'b', 's', 'a_scale', '', 'z', 'a_zero_point'],
            ['y'],
            { num_heads: 2 },
            microsoft,
          ),
        ],
        initializer: [
          ...[...range8, stored('b', floats(12)), scale('a_scale', 0.01), signed('a_zero_point', [], [0])],
          signed(
            'a_quantized',
            [4, 12],
            Array.from({ length: 48 }, (_, i) => ((i * 53) % 200) - 100),
          ),
        ],
      },
      info('x', 'float32', [1, 3, 4]),
    );
    expect(
      await difference(file, tensor('float32', [1, 3, 4], Array.from(x.data as Float32Array))),
    ).toBeLessThan(0.03);
  });

  it('reads embeddings and their norm in 8 bits', async () => {
    const tables = ['word', 'position', 'gamma', 'beta'];
    const file = model(
      {
        node: [
          node(
            'QEmbedLayerNormalization',
            [
              ...['x', '', 'word', 'position', '', 'gamma', 'beta', ''],
              ...['word_s', 'position_s', '', 'gamma_s', 'beta_s'],
              ...['word_z', 'position_z', '', 'gamma_z', 'beta_z'],
            ],
            ['y', 'mask'],
            { epsilon: 1e-5 },
            microsoft,
          ),
        ],
        initializer: [
          unsigned(
            'word',
            [5, 3],
            Array.from({ length: 15 }, (_, i) => (i * 53) % 256),
          ),
          unsigned(
            'position',
            [4, 3],
            Array.from({ length: 12 }, (_, i) => (i * 91) % 256),
          ),
          unsigned('gamma', [3], [200, 220, 240]),
          unsigned('beta', [3], [100, 128, 160]),
          ...tables.flatMap((name) => [scale(`${name}_s`, 0.01), unsigned(`${name}_z`, [], [128])]),
        ],
      },
      info('x', 'int32', [1, 3]),
    );
    expect(await difference(file, tensor('int32', [1, 3], [2, 0, 3]))).toBeLessThan(1e-5);
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
