import type { GraphBuilder, OpType, Value } from '../../../lib/engine/onnx/index.ts';
import { convolutionCases } from './convolution-cases.ts';
import { recurrentCases } from './recurrent-cases.ts';

/** An input: its shape, and between which values it is drawn (floats), or its elements (integers). */
export interface CaseInput {
  readonly shape: readonly number[];
  readonly from?: number;
  readonly to?: number;
  readonly ids?: readonly number[];
}

/** One check of a gradient rule: y = build(x). */
export interface Case {
  readonly inputs: readonly CaseInput[];
  readonly build: (g: GraphBuilder, x: readonly Value[]) => Value;
  /** False where the rule needs the first axis fixed. */
  readonly symbolic?: boolean;
}

const f = (...shape: number[]): CaseInput => ({ shape });
const positive = (...shape: number[]): CaseInput => ({ shape, from: 0.2, to: 2 });
const ids = (shape: readonly number[], values: readonly number[]): CaseInput => ({ shape, ids: values });

type Build = Case['build'];

function unary(op: OpType, input: (...shape: number[]) => CaseInput = f, attributes = {}): Case[] {
  const build: Build = (g, [x]) => g.op(op, [x], attributes);
  return [
    { inputs: [input(3, 4)], build },
    { inputs: [input(2, 1, 3)], build },
  ];
}

/** Shapes that broadcast on the left, on the right, on both, and against a scalar. */
function broadcasting(build: Build, input: (...shape: number[]) => CaseInput = f): Case[] {
  const pairs: [number[], number[]][] = [
    [
      [3, 4],
      [3, 4],
    ],
    [[3, 4], [4]],
    [[4], [3, 4]],
    [
      [3, 1, 2],
      [4, 1],
    ],
    [[2, 3], []],
    [[1], [2, 3]],
    [
      [2, 3, 4],
      [1, 3, 1],
    ],
  ];
  return pairs.map(([a, b]) => ({
    inputs: [input(...a), input(...b)],
    build,
    symbolic: a.length >= b.length,
  }));
}

function reduction(op: OpType, input: (...shape: number[]) => CaseInput = f): Case[] {
  const over = (axes: number[] | undefined, keepdims: number, shape: number[]): Case => ({
    inputs: [input(...shape)],
    build: (g, [x]) => g.op(op, [x, axes && g.ints(axes)], { keepdims }),
  });
  return [
    over([1], 0, [3, 4]),
    over([-1], 1, [3, 4]),
    over([0], 0, [3, 4]),
    over([0, 2], 0, [2, 3, 4]),
    over([0, 2], 1, [2, 3, 4]),
    over(undefined, 0, [2, 3]),
    over(undefined, 1, [2, 3]),
  ];
}

const product = (op: OpType, a: number[], b: number[], attributes = {}): Case => ({
  inputs: [f(...a), f(...b)],
  build: (g, [x, y]) => g.op(op, [x, y], attributes),
});

/** Cases per operator; a test checks that every operator that has a gradient is here. */
export const cases: Partial<Record<OpType, Case[]>> = {
  Add: broadcasting((g, [a, b]) => g.add(a!, b!)),
  Sub: broadcasting((g, [a, b]) => g.sub(a!, b!)),
  Mul: broadcasting((g, [a, b]) => g.mul(a!, b!)),
  Div: broadcasting((g, [a, b]) => g.div(a!, b!), positive),
  Max: broadcasting((g, [a, b]) => g.max(a!, b!)),
  Min: broadcasting((g, [a, b]) => g.op('Min', [a, b, 0.1])),
  Sum: [{ inputs: [f(3, 4), f(4), f(3, 1)], build: (g, x) => g.op('Sum', x) }],
  Pow: [
    ...[2, 3, 0.5, -1].map((e): Case => ({ inputs: [positive(3, 4)], build: (g, [x]) => g.pow(x!, e) })),
    ...broadcasting((g, [a, b]) => g.pow(a!, b!), positive),
  ],
  Where: [
    {
      inputs: [f(3, 4), f(4), ids([3, 1], [1, 0, 1])],
      build: (g, [a, b, c]) => g.where(g.greater(c!, 0), a!, b!),
    },
    { inputs: [f(2, 3)], build: (g, [x]) => g.where(g.not(g.or(g.less(x!, -1), g.greater(x!, 1))), x!, 7) },
  ],
  Neg: unary('Neg'),
  Abs: unary('Abs'),
  Relu: unary('Relu'),
  Sqrt: unary('Sqrt', positive),
  Reciprocal: unary('Reciprocal', positive),
  Exp: unary('Exp'),
  Sin: unary('Sin'),
  Cos: unary('Cos'),
  Mod: [
    {
      inputs: [f(3, 4), positive(4)],
      build: (g, [a, b]) => g.op('Mod', [a, b], { fmod: 1 }),
    },
  ],
  Log: unary('Log', positive),
  Erf: unary('Erf'),
  Tanh: unary('Tanh'),
  Sigmoid: unary('Sigmoid'),
  Softplus: unary('Softplus'),
  Gelu: [...unary('Gelu'), ...unary('Gelu', f, { approximate: 'tanh' })],
  Identity: unary('Identity'),
  Cast: unary('Cast', f, { to: 'float32' }),
  Clip: [
    { inputs: [f(3, 4)], build: (g, [x]) => g.clip(x!, -0.5, 0.5) },
    { inputs: [f(3, 4)], build: (g, [x]) => g.clip(x!, 0.1) },
    { inputs: [f(3, 4)], build: (g, [x]) => g.clip(x!, undefined, 0.1) },
    { inputs: [f(3, 4)], build: (g, [x]) => g.clip(x!) },
  ],
  MatMul: [
    product('MatMul', [3, 4], [4, 2]),
    product('MatMul', [2, 3, 4], [4, 2]),
    product('MatMul', [2, 3, 4], [2, 4, 2]),
    product('MatMul', [2, 1, 3, 4], [5, 4, 2]),
    product('MatMul', [3, 4], [2, 4, 2]),
    product('MatMul', [4], [4]),
    product('MatMul', [4], [4, 2]),
    product('MatMul', [4], [3, 4, 2]),
    product('MatMul', [3, 4], [4]),
    product('MatMul', [2, 3, 4], [4]),
  ].map((c) => ({ ...c, symbolic: c.inputs[0]!.shape.length >= 2 && c.inputs[1]!.shape.length <= 2 })),
  FusedMatMul: [0, 1].flatMap((transA) =>
    [0, 1].flatMap((transB) =>
      [[], [2]].map((lead) => ({
        ...product('FusedMatMul', [...lead, ...(transA ? [4, 3] : [3, 4])], transB ? [2, 4] : [4, 2], {
          transA,
          transB,
          alpha: 0.5,
        }),
        symbolic: lead.length > 0 || transA === 0,
      })),
    ),
  ),
  Gemm: [0, 1].flatMap((transA) =>
    [0, 1].map((transB) => ({
      inputs: [transA ? f(4, 3) : f(3, 4), transB ? f(2, 4) : f(4, 2), transB ? f(2) : f(3, 1)],
      build: (g, x) => g.op('Gemm', x, { transA, transB, alpha: 0.5, beta: 2 }),
      symbolic: false,
    })),
  ),
  Transpose: [
    { inputs: [f(3, 4)], build: (g, [x]) => g.op('Transpose', [x]) },
    { inputs: [f(2, 3, 4)], build: (g, [x]) => g.transpose(x!, [2, 0, 1]) },
  ],
  Reshape: [
    { inputs: [f(2, 3, 4)], build: (g, [x]) => g.reshape(x!, [-1, 4]) },
    { inputs: [f(2, 3, 4)], build: (g, [x]) => g.reshape(x!, [x!.shape[0]!, 2, 6]) },
  ],
  Flatten: [1, 0, 2, -1, 3].map(
    (axis): Case => ({ inputs: [f(2, 3, 4)], build: (g, [x]) => g.op('Flatten', [x], { axis }) }),
  ),
  Squeeze: [{ inputs: [f(2, 1, 3, 1)], build: (g, [x]) => g.squeeze(x!, [1, -1]) }],
  Unsqueeze: [{ inputs: [f(2, 3)], build: (g, [x]) => g.unsqueeze(x!, [0, -1]) }],
  Expand: [
    { inputs: [f(3, 1)], build: (g, [x]) => g.expand(x!, [2, x!.shape[0]!, 4]) },
    { inputs: [f(2, 3)], build: (g, [x]) => g.expand(x!, [x!.shape[0]!, 3]) },
  ],
  Tile: [{ inputs: [f(2, 3)], build: (g, [x]) => g.tile(x!, [2, 3]) }],
  Trilu: [
    { inputs: [f(3, 4)], build: (g, [x]) => g.op('Trilu', [x]) },
    { inputs: [f(2, 3, 4)], build: (g, [x]) => g.op('Trilu', [x, g.constant(-1, 'int64')], { upper: 0 }) },
  ],
  Concat: [
    { inputs: [f(2, 3), f(2, 1)], build: (g, x) => g.concat(x, 1) },
    { inputs: [f(2, 3), f(1, 3), f(3, 3)], build: (g, x) => g.concat(x, 0), symbolic: false },
  ],
  Split: [
    { inputs: [f(2, 6)], build: (g, [x]) => mulAll(g, g.split(x!, [2, 2, 2], 1)) },
    // One part is not used: its gradient is zero.
    { inputs: [f(2, 6)], build: (g, [x]) => g.square(g.split(x!, [1, 3, 2], -1)[1]!) },
    {
      inputs: [f(4, 2)],
      build: (g, [x]) => mulAll(g, g.ops('Split', [x], { axis: 0, num_outputs: 2 }, 2)),
      symbolic: false,
    },
  ],
  Slice: [
    { inputs: [f(3, 5)], build: (g, [x]) => g.slice(x!, 1, 1, 4) },
    { inputs: [f(3, 5)], build: (g, [x]) => g.slice(x!, -1, -2) },
    { inputs: [f(3, 6)], build: (g, [x]) => g.slice(x!, 1, 1, 6, 2) },
    { inputs: [f(3, 5)], build: (g, [x]) => g.slice(x!, 1, 4, -9, -2) },
    {
      inputs: [f(3, 5)],
      build: (g, [x]) => g.op('Slice', [x, g.ints([1, 0]), g.ints([3, 4])]),
      symbolic: false,
    },
  ],
  Pad: [
    { inputs: [f(2, 3)], build: (g, [x]) => g.op('Pad', [x, g.ints([0, 1, 0, 2]), 0.5]) },
    { inputs: [f(2, 5)], build: (g, [x]) => g.op('Pad', [x, g.ints([-1, 2]), undefined, g.ints([1])]) },
  ],
  Gather: [
    {
      inputs: [f(5, 3), ids([2, 3], [0, 4, 4, 1, -1, 4])],
      build: (g, [x, i]) => g.gather(x!, i!),
      symbolic: false,
    },
    { inputs: [f(2, 5, 3), ids([3], [1, 1, 4])], build: (g, [x, i]) => g.gather(x!, i!, 1) },
    { inputs: [f(5, 3), ids([], [2])], build: (g, [x, i]) => g.gather(x!, i!), symbolic: false },
    { inputs: [f(2, 4), ids([2, 2], [3, 0, 0, 1])], build: (g, [x, i]) => g.gather(x!, i!, -1) },
  ],
  GatherElements: [
    { inputs: [f(3, 4), ids([3, 2], [0, 0, 3, 1, 2, 2])], build: (g, [x, i]) => g.gatherElements(x!, i!) },
    {
      inputs: [f(3, 2), ids([2, 2], [0, 2, 2, 2])],
      build: (g, [x, i]) => g.gatherElements(x!, i!, 0),
      symbolic: false,
    },
  ],
  GatherND: [
    // Tuples that repeat, and negative ones.
    {
      inputs: [f(3, 4, 2), ids([4, 2], [0, 1, 2, 3, 0, 1, -1, -1])],
      build: (g, [x, i]) => g.op('GatherND', [x, i]),
      symbolic: false,
    },
    {
      inputs: [f(3, 2), ids([2, 2, 1], [1, 1, 0, 1])],
      build: (g, [x, i]) => g.op('GatherND', [x, i]),
      symbolic: false,
    },
    {
      inputs: [f(2, 3, 2), ids([2, 3, 1], [0, 0, 2, 1, -1, 1])],
      build: (g, [x, i]) => g.op('GatherND', [x, i], { batch_dims: 1 }),
      symbolic: false,
    },
    {
      inputs: [f(2, 3), ids([3, 2], [0, 0, 1, 2, 0, 0])],
      build: (g, [x, i]) => g.op('GatherND', [x, i]),
      symbolic: false,
    },
  ],
  ScatterND: [
    {
      inputs: [f(3, 4), ids([2, 1], [2, 0]), f(2, 4)],
      build: (g, [x, i, u]) => g.op('ScatterND', [x, i, u]),
      symbolic: false,
    },
    {
      inputs: [f(3, 4), ids([3, 2], [2, 1, 0, 3, 2, 1]), f(3)],
      build: (g, [x, i, u]) => g.op('ScatterND', [x, i, u], { reduction: 'add' }),
      symbolic: false,
    },
  ],
  ScatterElements: [
    {
      inputs: [f(4, 2), ids([3, 2], [0, 3, 0, 1, 2, 3]), f(3, 2)],
      build: (g, [x, i, u]) => g.scatterAdd(x!, i!, u!),
      symbolic: false,
    },
    {
      inputs: [f(2, 4), ids([2, 2], [0, 3, 1, 2]), f(2, 2)],
      build: (g, [x, i, u]) => g.op('ScatterElements', [x, i, u], { axis: 1 }),
    },
  ],
  ReduceSum: reduction('ReduceSum'),
  ReduceMean: reduction('ReduceMean'),
  ReduceMax: reduction('ReduceMax'),
  ReduceMin: reduction('ReduceMin'),
  ReduceProd: reduction('ReduceProd', positive),
  ReduceL2: reduction('ReduceL2'),
  Softmax: [0, 1, -1].map((axis): Case => ({ inputs: [f(2, 3, 4)], build: (g, [x]) => g.softmax(x!, axis) })),
  LogSoftmax: [0, 1, -1].map(
    (axis): Case => ({ inputs: [f(2, 3, 4)], build: (g, [x]) => g.logSoftmax(x!, axis) }),
  ),
  CumSum: [
    { inputs: [f(2, 4)], build: (g, [x]) => g.cumSum(x!, 1) },
    { inputs: [f(2, 4)], build: (g, [x]) => g.cumSum(x!, -1, { reverse: true, exclusive: true }) },
  ],
  TopK: [
    { inputs: [f(3, 5)], build: (g, [x]) => g.topK(x!, 2)[0] },
    {
      inputs: [f(3, 5)],
      build: (g, [x]) => g.ops('TopK', [x, g.ints([2])], { axis: 0, largest: 0 }, 2)[0]!,
      symbolic: false,
    },
  ],
  ...convolutionCases,
  ...recurrentCases,
  LayerNormalization: [
    { inputs: [f(3, 4), positive(4), f(4)], build: (g, [x, s, b]) => g.layerNorm(x!, s!, b!) },
    { inputs: [f(2, 3, 4), positive(4)], build: (g, [x, s]) => g.layerNorm(x!, s!, undefined, 1e-3) },
    {
      inputs: [f(2, 3, 4), positive(3, 4), f(3, 4)],
      build: (g, [x, s, b]) => g.op('LayerNormalization', [x, s, b], { axis: 1, epsilon: 1e-5 }),
    },
  ],
};

function mulAll(g: GraphBuilder, parts: readonly Value[]): Value {
  return parts.reduce((all, part) => g.mul(all, part));
}
