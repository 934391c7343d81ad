import { describe, expect, it } from 'vitest';
import { differentiate, gradientName, trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import {
  decodeModel,
  fuse,
  type Graph,
  GraphBuilder,
  interpret,
  type Tensor,
  tensor,
  type Value,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from './support/compare.ts';
import { uniform } from './support/random.ts';

const WIDTH = 6;
const x6 = values([2, 3, WIDTH], 1);

function values(shape: number[], seed: number): Tensor {
  const random = uniform(seed);
  return tensor(
    'float32',
    shape,
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 4 * random() - 2),
  );
}

function parameter(g: GraphBuilder, name: string, shape: number[], seed: number): Value {
  return g.parameter(name, shape, Float32Array.from(values(shape, seed).data as Float64Array));
}

/** A graph of one input x (2, 3, 6) and one output. */
function pieces(write: (g: GraphBuilder, x: Value) => Value): Graph {
  const g = new GraphBuilder('pieces');
  g.output('y', write(g, g.input('x', 'float32', [2, 3, WIDTH])));
  return g.build();
}

const operators = (graph: Graph): string[] => graph.nodes.map(({ op }) => op);

/** Every output of the fused graph equals the unfused one's in float64. */
function expectSame(graph: Graph, feeds: Record<string, Tensor> = { x: x6 }): Graph {
  const fused = fuse(graph);
  const [before, after] = [interpret(graph, feeds), interpret(fused, feeds)];
  expect(fused.parameters).toEqual(graph.parameters);
  expect(fused.outputs).toEqual(graph.outputs);
  for (const { name } of graph.outputs)
    expect(relativeError(after[name]!.data, before[name]!.data)).toBeLessThan(1e-12);
  return fused;
}

describe('fusing LayerNorm', () => {
  const centred = (g: GraphBuilder, x: Value) => g.sub(x, g.reduceMean(x, [-1], true));
  const deviation = (g: GraphBuilder, d: Value, squared = g.pow(d, 2)) =>
    g.sqrt(g.add(g.reduceMean(squared, [-1], true), 1e-5));
  const scale = (g: GraphBuilder) => parameter(g, 'scale', [WIDTH], 2);
  const bias = (g: GraphBuilder) => parameter(g, 'bias', [WIDTH], 3);
  const forms: Record<string, (g: GraphBuilder, x: Value) => Value> = {
    'with a power and a quotient': (g, x) => {
      const d = centred(g, x);
      return g.add(g.mul(g.div(d, deviation(g, d)), scale(g)), bias(g));
    },
    'with a product, the factors swapped': (g, x) => {
      const d = centred(g, x);
      return g.add(bias(g), g.mul(scale(g), g.div(d, deviation(g, d, g.mul(d, d)))));
    },
    'with a reciprocal': (g, x) => {
      const d = centred(g, x);
      return g.add(g.mul(g.mul(d, g.op('Reciprocal', [deviation(g, d)])), scale(g)), bias(g));
    },
    'with one over the root': (g, x) => {
      const d = centred(g, x);
      return g.add(g.mul(g.mul(g.div(1, deviation(g, d)), d), scale(g)), bias(g));
    },
    'with a power of -1/2': (g, x) => {
      const d = centred(g, x);
      const variance = g.add(g.reduceMean(g.square(d), [2], true), 1e-12);
      return g.add(g.mul(g.mul(d, g.pow(variance, -0.5)), scale(g)), bias(g));
    },
    'with copies and casts between': (g, x) => {
      const d = g.label('difference', centred(g, g.op('Cast', [x], { to: 'float32' })));
      const again = g.op('Identity', [d]);
      return g.add(g.mul(g.div(again, deviation(g, d)), scale(g)), bias(g));
    },
    'without a bias': (g, x) => {
      const d = centred(g, x);
      return g.mul(g.div(d, deviation(g, d)), scale(g));
    },
    'without scale and bias': (g, x) => {
      const d = centred(g, x);
      return g.div(d, deviation(g, d));
    },
  };
  for (const [name, form] of Object.entries(forms)) {
    it(name, () => {
      // given / when
      const fused = expectSame(pieces(form));
      // then
      expect(operators(fused)).toEqual(['LayerNormalization']);
    });
  }

  it('leaves look-alikes alone: another axis, another mean, a sum of squares', () => {
    // given
    const others: ((g: GraphBuilder, x: Value) => Value)[] = [
      (g, x) => {
        const d = g.sub(x, g.reduceMean(x, [1], true));
        return g.div(d, g.sqrt(g.add(g.reduceMean(g.square(d), [1], true), 1e-5)));
      },
      (g, x) => {
        const d = g.sub(x, g.reduceMean(g.neg(x), [-1], true));
        return g.div(d, deviation(g, d));
      },
      (g, x) => {
        const d = centred(g, x);
        return g.div(d, g.sqrt(g.add(g.reduceSum(g.square(d), [-1], true), 1e-5)));
      },
      (g, x) => g.div(x, deviation(g, x)),
    ];
    for (const other of others) {
      // when
      const fused = expectSame(pieces(other));
      // then
      expect(operators(fused)).not.toContain('LayerNormalization');
    }
  });
});

describe('fusing GELU', () => {
  const erf = (g: GraphBuilder, x: Value) => g.add(g.erf(g.div(x, Math.SQRT2)), 1);
  const cubic = (g: GraphBuilder, x: Value) => g.mul(g.pow(x, 3), 0.044715);
  const root = Math.sqrt(2 / Math.PI);
  const forms: Record<string, ['none' | 'tanh', (g: GraphBuilder, x: Value) => Value]> = {
    'x (1 + erf) times a half': ['none', (g, x) => g.mul(g.mul(x, erf(g, x)), 0.5)],
    'a half of x, times (1 + erf)': ['none', (g, x) => g.mul(g.mul(0.5, x), erf(g, x))],
    'x times a half of (1 + erf)': ['none', (g, x) => g.mul(x, g.mul(erf(g, x), 0.5))],
    'x (1 + erf) over two': ['none', (g, x) => g.div(g.mul(erf(g, x), x), 2)],
    'with a product inside': [
      'none',
      (g, x) => g.mul(g.mul(x, 0.5), g.add(1, g.erf(g.mul(Math.SQRT1_2, x)))),
    ],
    'of a product': [
      'none',
      (g, x) => {
        const scaled = g.mul(x, x);
        return g.mul(g.mul(scaled, 0.5), erf(g, scaled));
      },
    ],
    'tanh of a cubic': [
      'tanh',
      (g, x) => g.mul(g.mul(x, 0.5), g.add(g.tanh(g.mul(g.add(x, cubic(g, x)), root)), 1)),
    ],
    'tanh with x in front': [
      'tanh',
      (g, x) => {
        const inner = g.mul(g.mul(x, root), g.add(g.mul(g.mul(x, 0.044715), x), 1));
        return g.mul(g.mul(g.add(1, g.tanh(inner)), x), 0.5);
      },
    ],
    'tanh with products for the cube': [
      'tanh',
      (g, x) => {
        const cube = g.mul(g.mul(x, x), x);
        return g.mul(0.5, g.mul(x, g.add(g.tanh(g.mul(root, g.add(x, g.mul(0.044715, cube)))), 1)));
      },
    ],
  };
  for (const [name, [approximate, form]] of Object.entries(forms)) {
    it(name, () => {
      // given / when
      const fused = expectSame(pieces(form));
      // then
      expect(fused.nodes.at(-1)).toMatchObject({ op: 'Gelu', attributes: { approximate } });
      expect(operators(fused).filter((op) => op !== 'Mul')).toEqual(['Gelu']);
    });
  }

  it('leaves look-alikes alone: another factor, another argument, another cubic', () => {
    // given
    const others: ((g: GraphBuilder, x: Value) => Value)[] = [
      (g, x) => g.mul(x, erf(g, x)),
      (g, x) => g.mul(g.mul(x, 0.5), g.add(g.erf(x), 1)),
      (g, x) => g.mul(g.mul(g.neg(x), 0.5), erf(g, x)),
      (g, x) => g.mul(g.mul(x, 0.5), g.add(g.tanh(g.mul(g.add(x, g.pow(x, 3)), root)), 1)),
      (g, x) => g.mul(g.mul(g.mul(x, x), 0.5), erf(g, x)),
    ];
    for (const other of others) {
      // when
      const fused = expectSame(pieces(other));
      // then
      expect(operators(fused)).not.toContain('Gelu');
    }
  });
});

describe('fusing attention', () => {
  const heads = (g: GraphBuilder, x: Value) => g.transpose(g.reshape(x, [2, 3, 2, 3]), [0, 2, 1, 3]);

  it('takes the scale and the swap of keys into the product, whole rows moved', () => {
    // given
    const graph = pieces((g, x) => {
      const keys = g.transpose(g.reshape(g.neg(x), [2, 3, 2, 3]), [0, 2, 3, 1]);
      return g.div(g.matmul(heads(g, x), keys), Math.sqrt(3));
    });
    // when
    const fused = expectSame(graph);
    // then
    expect(operators(fused).filter((op) => op === 'Div' || op === 'MatMul')).toEqual([]);
    expect(fused.nodes.at(-1)).toMatchObject({ op: 'FusedMatMul', attributes: { transB: 1 } });
    const perms = fused.nodes.filter(({ op }) => op === 'Transpose').map(({ attributes }) => attributes.perm);
    expect(perms).toEqual([
      [0, 2, 1, 3],
      [0, 2, 1, 3],
    ]);
  });

  it('takes scales of both sides, and two transposes in a row', () => {
    // given
    const graph = pieces((g, x) => {
      const keys = g.transpose(heads(g, g.exp(x)), [0, 1, 3, 2]);
      return g.matmul(g.mul(heads(g, x), 0.75), g.mul(0.75, keys));
    });
    // when
    const fused = expectSame(graph);
    // then
    expect(fused.nodes.at(-1)!.attributes).toEqual({ transA: 0, transB: 1, alpha: 0.5625 });
    expect(operators(fused).filter((op) => op === 'Mul')).toEqual([]);
    expect(operators(fused).filter((op) => op === 'Transpose').length).toBe(2);
  });

  it('reads a stored weight of the other layout without a copy', () => {
    // given
    const graph = pieces((g, x) => g.matmul(x, g.transpose(parameter(g, 'weight', [4, WIDTH], 5), [1, 0])));
    // when
    const fused = expectSame(graph);
    // then
    expect(operators(fused)).toEqual(['FusedMatMul']);
  });

  it('keeps a product that is also read before its scale', () => {
    // given
    const g = new GraphBuilder('shared');
    const x = g.input('x', 'float32', [2, 3, WIDTH]);
    const product = g.matmul(x, parameter(g, 'w', [WIDTH, WIDTH], 6));
    g.output('raw', product);
    g.output('half', g.mul(product, 0.5));
    // when
    const fused = expectSame(g.build());
    // then
    expect(operators(fused)).toEqual(['MatMul', 'Mul']);
  });
});

describe('fusing guarded softmax', () => {
  const feeds = {
    x: x6,
    seen: tensor('bool', [2, 1, WIDTH], [1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
  };
  const guarded = (hidden: number, layers = 1): Graph => {
    const g = new GraphBuilder('guarded');
    const seen = g.input('seen', 'bool', [2, 1, WIDTH]);
    let x = g.input('x', 'float32', [2, 3, WIDTH]);
    for (let layer = 0; layer < layers; layer++) {
      const weights = g.softmax(g.add(x, g.where(seen, 0, hidden)));
      x = g.where(g.op('IsNaN', [weights]), 0, weights);
    }
    g.output('y', x);
    return g.build();
  };

  it('keeps rows that see nothing at 0, without looking at every weight', () => {
    // given a second example without a single key
    const graph = guarded(Number.NEGATIVE_INFINITY, 2);
    // when
    const fused = expectSame(graph, feeds);
    // then the mask is prepared once for both layers
    expect(operators(fused)).not.toContain('IsNaN');
    expect(operators(fused).filter((op) => op === 'Where').length).toBe(1);
    expect([...interpret(fused, feeds).y!.data.subarray(18)]).toEqual(new Array(18).fill(0));
  });

  it('drops a guard against a finite mask', () => {
    // given / when
    const fused = expectSame(guarded(-3e38), feeds);
    // then
    expect(operators(fused)).toEqual(['Where', 'Add', 'Softmax', 'Identity']);
  });

  it('leaves guards alone whose mask is unknown', () => {
    // given
    const graph = pieces((g, x) => {
      const weights = g.softmax(g.add(x, g.log(g.relu(x))));
      return g.where(g.op('IsNaN', [weights]), 0, weights);
    });
    // when / then
    expect(operators(expectSame(graph))).toContain('IsNaN');
  });
});

describe('merging', () => {
  it('does equal operations once and keeps outputs under their names', () => {
    // given two masks that an exporter wrote apart
    const graph = decodedTwin();
    // when
    const fused = expectSame(graph);
    // then
    expect(operators(graph)).toEqual(['Neg', 'Neg', 'Identity', 'Exp', 'Exp']);
    expect(operators(fused)).toEqual(['Neg', 'Exp', 'Exp']);
  });

  /** The builder shares equal operations, so the twins are written as plain data. */
  function decodedTwin(): Graph {
    const graph = pieces((g, x) => g.exp(g.neg(x)));
    const [neg, exp] = graph.nodes;
    const node = (op: 'Neg' | 'Identity' | 'Exp', from: string, to: string) => ({
      ...neg!,
      name: to,
      op,
      inputs: [from],
      outputs: [to],
    });
    const values = new Map(graph.values);
    for (const name of ['neg2', 'copy', 'z']) values.set(name, graph.values.get('y')!);
    return {
      ...graph,
      nodes: [
        neg!,
        node('Neg', 'x', 'neg2'),
        node('Identity', 'neg2', 'copy'),
        exp!,
        node('Exp', 'copy', 'z'),
      ],
      outputs: [...graph.outputs, { ...graph.outputs[0]!, name: 'z' }],
      values,
    };
  }
});

/** An encoder layer as exporters write it, everything in pieces: post-norm, two heads, additive mask. */
function layerInPieces(): Graph {
  const g = new GraphBuilder('layer');
  const x = g.input('x', 'float32', [2, 3, WIDTH]);
  const mask = g.mul(g.sub(1, g.input('mask', 'float32', [2, 1, 1, 3])), -1e9);
  const linear = (name: string, from: Value, width: number, seed: number): Value =>
    g.add(
      g.matmul(from, parameter(g, `${name}.weight`, [from.shape.at(-1) as number, width], seed)),
      parameter(g, `${name}.bias`, [width], seed + 1),
    );
  const norm = (name: string, from: Value, seed: number): Value => {
    const d = g.sub(from, g.reduceMean(from, [-1], true));
    const deviation = g.sqrt(g.add(g.reduceMean(g.pow(d, 2), [-1], true), 1e-12));
    return g.add(
      g.mul(g.div(d, deviation), parameter(g, `${name}.scale`, [WIDTH], seed)),
      parameter(g, `${name}.bias`, [WIDTH], seed + 1),
    );
  };
  const heads = (from: Value, perm: number[]) => g.transpose(g.reshape(from, [2, 3, 2, 3]), perm);
  const query = heads(linear('query', x, WIDTH, 10), [0, 2, 1, 3]);
  const key = heads(linear('key', x, WIDTH, 12), [0, 2, 3, 1]);
  const value = heads(linear('value', x, WIDTH, 14), [0, 2, 1, 3]);
  const weights = g.softmax(g.add(g.div(g.matmul(query, key), Math.sqrt(3)), mask));
  const mixed = g.reshape(g.transpose(g.matmul(weights, value), [0, 2, 1, 3]), [2, 3, WIDTH]);
  const attended = norm('norm1', g.add(x, linear('output', mixed, WIDTH, 16)), 18);
  const up = linear('up', attended, 2 * WIDTH, 20);
  const active = g.mul(g.mul(up, g.add(g.erf(g.div(up, Math.SQRT2)), 1)), 0.5);
  const y = norm('norm2', g.add(attended, linear('down', active, WIDTH, 22)), 24);
  g.output('y', y);
  g.output('loss', g.reduceSum(g.mul(y, g.input('weights', 'float32', [2, 3, WIDTH]))));
  return g.build();
}

describe('gradients of a fused graph', () => {
  it('equal those of the pieces, by every parameter', () => {
    // given
    const graph = layerInPieces();
    const feeds = {
      x: x6,
      weights: values([2, 3, WIDTH], 8),
      mask: tensor('float32', [2, 1, 1, 3], [1, 1, 0, 1, 1, 1]),
    };
    const wrt = graph.parameters.map(({ name }) => name);
    // when
    const fused = expectSame(graph, feeds);
    const before = interpret(differentiate(graph, { loss: 'loss', wrt }), feeds);
    const after = interpret(differentiate(fused, { loss: 'loss', wrt }), feeds);
    // then
    for (const op of ['Erf', 'Sqrt', 'Pow', 'Div']) expect(operators(fused)).not.toContain(op);
    expect(wrt.length).toBe(16);
    for (const name of wrt.map(gradientName))
      expect(relativeError(after[name]!.data, before[name]!.data, 1e-3), name).toBeLessThan(1e-10);
  });
});

describe('a training graph', () => {
  it('is fused before it is differentiated', () => {
    // given
    const graph = pieces((g, x) => {
      const y = g.matmul(x, parameter(g, 'w', [WIDTH, WIDTH], 7));
      return g.reduceSum(g.mul(g.mul(y, 0.5), g.add(g.erf(g.div(y, Math.SQRT2)), 1)));
    });
    // when
    const { model } = trainingGraph(graph, { loss: 'y' });
    // then
    expect(operators(decodeModel(model))).toContain('Gelu');
  });
});
