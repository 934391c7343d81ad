import { type Tensor, tensor } from '../../../lib/engine/onnx/index.ts';
import { uniform } from './support/random.ts';

/** One foreign operator with inputs; those of `stored` are constants of the file. */
export interface ForeignCase {
  readonly op: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes?: Record<string, number | string | readonly number[]>;
  readonly opset?: number;
  readonly domain?: string;
  readonly stored?: readonly number[];
  /** Names of the first axis of inputs that stay symbolic. */
  readonly symbolic?: readonly number[];
  /** Which outputs are compared; the first by default. */
  readonly outputs?: readonly number[];
}

const random = uniform(11);
const count = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);
const drawn = (low: number, high: number, shape: readonly number[]): Tensor =>
  tensor(
    'float32',
    shape,
    Array.from({ length: count(shape) }, () => Math.fround(low + (high - low) * random())),
  );
const f = (...shape: number[]): Tensor => drawn(-2, 2, shape);
const positive = (...shape: number[]): Tensor => drawn(0.2, 2, shape);
const ints = (shape: number[], values: number[]): Tensor => tensor('int64', shape, values);
const small = (shape: number[], values: number[]): Tensor => tensor('int32', shape, values);
const microsoft = 'com.microsoft';

const activations: ForeignCase[] = [
  ...['LeakyRelu', 'Elu', 'Celu', 'ThresholdedRelu'].map(
    (op): ForeignCase => ({ op, inputs: [f(2, 3, 4)], attributes: { alpha: 0.7 } }),
  ),
  ...['Selu', 'HardSigmoid', 'HardSwish', 'Softsign', 'Mish'].map(
    (op): ForeignCase => ({ op, inputs: [f(2, 3, 4)], opset: 18 }),
  ),
  { op: 'HardSigmoid', inputs: [f(2, 3)], attributes: { alpha: 0.3, beta: 0.4 } },
  { op: 'PRelu', inputs: [f(2, 3, 4), f(4)] },
  { op: 'Gelu', inputs: [f(2, 3)], domain: microsoft },
  { op: 'BiasGelu', inputs: [f(2, 3), f(3)], domain: microsoft },
  { op: 'FastGelu', inputs: [f(2, 3), f(3)], domain: microsoft },
  { op: 'FastGelu', inputs: [f(2, 3)], domain: microsoft },
  { op: 'QuickGelu', inputs: [f(2, 3)], attributes: { alpha: 1.5 }, domain: microsoft },
];

const reductions: ForeignCase[] = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceSumSquare',
  'ReduceProd',
  'ReduceMean',
  'ReduceMax',
].flatMap((op): ForeignCase[] => [
  { op, inputs: [positive(2, 3, 4)], attributes: { axes: [1], keepdims: 0 }, opset: 13 },
  {
    op,
    inputs: [positive(2, 3, 4), ints([2], [-1, 0])],
    attributes: { keepdims: 1 },
    opset: 18,
    stored: [1],
  },
  { op, inputs: [positive(2, 3)], opset: 13 },
]);

const olderForms: ForeignCase[] = [
  ...[0, 1, 2, -1].flatMap((axis): ForeignCase[] => [
    { op: 'Softmax', inputs: [f(2, 3, 4)], attributes: { axis }, opset: 11 },
    { op: 'LogSoftmax', inputs: [f(2, 3, 4)], attributes: { axis }, opset: 12, symbolic: [0] },
  ]),
  { op: 'Softmax', inputs: [f(2, 3, 4)], opset: 11 },
  { op: 'Softmax', inputs: [f(2, 3, 4)], opset: 13 },
  { op: 'ReduceSum', inputs: [f(2, 3, 4)], attributes: { axes: [0, 2] }, opset: 11 },
  { op: 'Squeeze', inputs: [f(2, 1, 3)], attributes: { axes: [1] }, opset: 11 },
  { op: 'Unsqueeze', inputs: [f(2, 3)], attributes: { axes: [0, -1] }, opset: 12 },
  { op: 'Split', inputs: [f(2, 5)], attributes: { axis: 1, split: [2, 3] }, opset: 11, outputs: [0, 1] },
  { op: 'Split', inputs: [f(4, 2)], attributes: { axis: 0 }, opset: 13, outputs: [0, 1] },
  { op: 'Split', inputs: [f(5, 2)], attributes: { axis: 0, num_outputs: 2 }, opset: 18, outputs: [0, 1] },
  { op: 'Dropout', inputs: [f(2, 3)], attributes: { ratio: 0.5 }, opset: 11 },
  { op: 'Dropout', inputs: [f(2, 3), tensor('float32', [], [0.3])], opset: 13, stored: [1] },
  { op: 'Clip', inputs: [f(2, 3), tensor('float32', [], [-0.5]), undefined], opset: 11, stored: [1] },
  { op: 'Pad', inputs: [f(2, 3), ints([4], [0, 1, 0, 2])], opset: 11, stored: [1] },
  { op: 'Pad', inputs: [f(2, 3), ints([2], [1, 2]), undefined, ints([1], [1])], opset: 18, stored: [1, 3] },
  { op: 'Where', inputs: [tensor('bool', [3], [1, 0, 1]), f(2, 3), f(1)], opset: 11 },
  { op: 'Mean', inputs: [f(2, 3, 4), f(4), f(3, 1)] },
  { op: 'LpNormalization', inputs: [f(2, 3)], attributes: { axis: 1 } },
  { op: 'LpNormalization', inputs: [f(2, 3)], attributes: { axis: 0, p: 1 } },
];

const norms: ForeignCase[] = [
  {
    op: 'BatchNormalization',
    inputs: [f(2, 3, 4), f(3), f(3), f(3), positive(3)],
    attributes: { epsilon: 1e-3 },
    opset: 15,
  },
  { op: 'BatchNormalization', inputs: [f(2, 3), f(3), f(3), f(3), positive(3)], opset: 11 },
  { op: 'InstanceNormalization', inputs: [f(2, 3, 4, 2), f(3), f(3)] },
  { op: 'GroupNormalization', inputs: [f(2, 6, 4), f(6), f(6)], attributes: { num_groups: 3 }, opset: 21 },
  { op: 'GroupNormalization', inputs: [f(2, 6, 4), f(3), f(3)], attributes: { num_groups: 3 }, opset: 18 },
  { op: 'RMSNormalization', inputs: [f(2, 3, 4), f(4)], opset: 23 },
  { op: 'SimplifiedLayerNormalization', inputs: [f(2, 3, 4), f(4)], attributes: { epsilon: 1e-6 } },
  {
    op: 'SkipLayerNormalization',
    inputs: [f(2, 3, 4), f(2, 3, 4), f(4), f(4), f(4)],
    attributes: { epsilon: 1e-5 },
    domain: microsoft,
    outputs: [0, 3],
  },
  { op: 'SkipLayerNormalization', inputs: [f(2, 3, 4), f(2, 3, 4), f(4)], domain: microsoft },
  {
    op: 'SkipSimplifiedLayerNormalization',
    inputs: [f(2, 3, 4), f(2, 3, 4), f(4)],
    domain: microsoft,
    outputs: [0, 3],
  },
];

const equations: [string, number[][]][] = [
  [
    'ij,jk->ik',
    [
      [3, 4],
      [4, 2],
    ],
  ],
  [
    'bhid,bhjd->bhij',
    [
      [2, 2, 3, 4],
      [2, 2, 5, 4],
    ],
  ],
  [
    'ij,ij->i',
    [
      [3, 4],
      [3, 4],
    ],
  ],
  ['i,j->ij', [[3], [4]]],
  [
    'ibnd,jbnd->bnij',
    [
      [3, 2, 2, 4],
      [5, 2, 2, 4],
    ],
  ],
  ['ijk->ki', [[2, 3, 4]]],
  [
    'ij,jk',
    [
      [3, 4],
      [4, 2],
    ],
  ],
  [
    'ibh,hnd->ibnd',
    [
      [3, 2, 4],
      [4, 2, 3],
    ],
  ],
  [
    'ibnd,hnd->ibh',
    [
      [3, 2, 2, 3],
      [4, 2, 3],
    ],
  ],
  [
    'ab,bc,cd->ad',
    [
      [2, 3],
      [3, 4],
      [4, 2],
    ],
  ],
  ['ij->', [[3, 4]]],
  ['b,bij->bij', [[2], [2, 3, 4]]],
];
const products: ForeignCase[] = [
  ...equations.map(
    ([equation, shapes]): ForeignCase => ({
      op: 'Einsum',
      inputs: shapes.map((shape) => f(...shape)),
      attributes: { equation },
    }),
  ),
  {
    op: 'FusedGemm',
    inputs: [f(3, 4), f(2, 4), f(2)],
    attributes: { transB: 1, activation: 'Tanh' },
    domain: microsoft,
  },
  {
    op: 'FusedMatMul',
    inputs: [f(2, 3, 4), f(2, 5, 4)],
    attributes: { transB: 1, alpha: 0.5 },
    domain: microsoft,
  },
];

const labels = ints([2, 2], [0, 2, 1, 1]);
const losses: ForeignCase[] = ['mean', 'sum', 'none'].flatMap((reduction): ForeignCase[] => [
  { op: 'SoftmaxCrossEntropyLoss', inputs: [f(2, 3, 2), labels], attributes: { reduction } },
  {
    op: 'SoftmaxCrossEntropyLoss',
    inputs: [f(2, 3, 2), labels, positive(3)],
    attributes: { reduction, ignore_index: 1 },
    outputs: [0, 1],
  },
  {
    op: 'NegativeLogLikelihoodLoss',
    inputs: [f(2, 3, 2), labels],
    attributes: { reduction, ignore_index: 2 },
  },
]);

const [B, S, H] = [2, 4, 4];
const packed = (): Tensor[] => [f(B, S, H), f(H, 3 * H), f(3 * H)];
const ones = [1, 1, 1, 1, 1, 1, 0, 0];
const tokens = small([B, S], [1, 5, 2, 0, 3, 4, 0, 5]);
const places = ints([B, S], [0, 1, 2, 3, 0, 1, 2, 3]);
const attentions: ForeignCase[] = [
  ...[undefined, small([B, S], ones), small([B], [4, 2])].map(
    (mask): ForeignCase => ({
      op: 'Attention',
      inputs: [...packed(), mask],
      attributes: { num_heads: 2 },
      domain: microsoft,
    }),
  ),
  {
    op: 'Attention',
    inputs: [...packed(), undefined, undefined, f(1, 2, S, S)],
    attributes: { num_heads: 2, unidirectional: 1, scale: 0.3 },
    domain: microsoft,
  },
  {
    op: 'MultiHeadAttention',
    inputs: [f(B, S, H), f(B, S, H), f(B, S, H), f(3 * H), small([B, S], ones)],
    attributes: { num_heads: 2 },
    domain: microsoft,
  },
  {
    op: 'Attention',
    inputs: [
      f(B, 2, S, 2),
      f(B, 2, 3, 2),
      f(B, 2, 3, 2),
      tensor('bool', [S, 3], [1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0]),
    ],
    opset: 23,
  },
  {
    op: 'Attention',
    inputs: [f(B, S, H), f(B, S, H), f(B, S, H), f(B, 1, S, S)],
    attributes: { q_num_heads: 2, kv_num_heads: 2, is_causal: 1 },
    opset: 23,
  },
  {
    op: 'RotaryEmbedding',
    inputs: [f(B, S, 8), places, f(6, 2), f(6, 2)],
    attributes: { num_heads: 2 },
    domain: microsoft,
  },
  { op: 'RotaryEmbedding', inputs: [f(B, 2, S, 4), f(6, 2), f(6, 2), places], opset: 23 },
  {
    op: 'EmbedLayerNormalization',
    inputs: [tokens, undefined, f(6, 4), f(5, 4), undefined, f(4), f(4), small([B, S], ones)],
    domain: microsoft,
    stored: [2, 3, 5, 6],
    symbolic: [0],
    outputs: [0, 2],
  },
];

export const foreignCases: readonly ForeignCase[] = [
  ...activations,
  ...reductions,
  ...olderForms,
  ...norms,
  ...products,
  ...losses,
  ...attentions,
];
