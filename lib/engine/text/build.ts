import type { Rng } from '../host/index.ts';
import { attentionBias, transformerBlock } from '../nn/index.ts';
import { type Graph, GraphBuilder, type Value } from '../onnx/index.ts';
import { TextError } from './errors.ts';

export interface TextEncoderShape {
  /** Rows of the token table: the tokenizer's size. */
  readonly vocabulary: number;
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Width inside the feed-forward part; 4 width by default. */
  readonly hidden?: number;
  /** Places in the position table, special tokens included. */
  readonly maxLength: number;
  /**
   * Where a layer normalises: after adding as in BERT, or before (Xiong et al. 2020), which trains without warm-up and with larger
   * steps. 'pre'
   */
  readonly norm?: 'pre' | 'post';
}

/** Epsilon of every LayerNorm, that of BERT. */
const EPSILON = 1e-12;

/** Name of the token table. */
const TOKEN_TABLE = 'embeddings.word_embeddings.weight';

/** Standard deviation of first weights in BERT (Devlin et al. 2019). */
const DEVIATION = 0.02;

/**
 * A freshly initialised encoder like BERT (Devlin et al. 2019) without types and pooler, its parameters named as in
 * published ones: inputs `input_ids`, `attention_mask` (batch, sequence) int64, output `last_hidden_state` (batch, sequence, width).
 * @throws TextError when heads do not divide the width
 */
export function buildTextEncoder(shape: TextEncoderShape, rng: Rng): Graph {
  const { vocabulary, layers, width, heads, maxLength, norm = 'pre' } = shape;
  const { hidden = 4 * width } = shape;
  for (const [name, value] of Object.entries({ vocabulary, layers, width, heads, hidden, maxLength })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TextError(`a text encoder's ${name} is a whole number from 1, given ${value}`);
  }
  if (width % heads !== 0) throw new TextError(`${heads} heads do not divide a width of ${width}`);
  const g = new GraphBuilder('text-encoder');
  const normal = (name: string, ...dims: number[]) =>
    g.parameter(name, dims, rng.fork(name).normals(size(dims), DEVIATION));
  const filled = (name: string, n: number, value: number) =>
    g.parameter(name, [n], new Float32Array(n).fill(value));
  const linear = (name: string, x: Value, from: number, to: number) =>
    g.linear(x, normal(`${name}.weight`, from, to), filled(`${name}.bias`, to, 0));
  const layerNorm = (name: string, x: Value) =>
    g.layerNorm(x, filled(`${name}.weight`, width, 1), filled(`${name}.bias`, width, 0), EPSILON);

  const ids = g.input('input_ids', 'int64', ['batch', 'sequence']);
  const mask = g.input('attention_mask', 'int64', ['batch', 'sequence']);
  const bias = attentionBias(g, g.unsqueeze(mask, [1, 2])); // (batch, 1, 1, sequence)

  const table = normal(TOKEN_TABLE, vocabulary, width);
  const positions = normal('embeddings.position_embeddings.weight', maxLength, width);
  const length = g.squeeze(g.op('Shape', [ids], { start: 1, end: 2 }), [0]);
  const places = g.op('Range', [g.constant(0, 'int64'), length, g.constant(1, 'int64')]); // (sequence)
  let x = g.add(g.gather(table, ids), g.gather(positions, places)); // (batch, sequence, width)
  if (norm === 'post') x = layerNorm('embeddings.LayerNorm', x);

  const split = (v: Value) =>
    g.transpose(g.reshape(v, ['batch', 'sequence', heads, width / heads]), [0, 2, 1, 3]); // (batch, heads, sequence, width / heads)
  const attention = (name: string, input: Value) => {
    const [q, k, v] = ['query', 'key', 'value'].map((part) =>
      split(linear(`${name}.attention.self.${part}`, input, width, width)),
    );
    const scores = g.matmulT(q!, k!, { transB: true, alpha: 1 / Math.sqrt(width / heads) }); // (batch, heads, sequence, sequence)
    const mixed = g.matmul(g.softmax(g.add(scores, bias)), v!);
    const joined = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), ['batch', 'sequence', width]);
    return linear(`${name}.attention.output.dense`, joined, width, width);
  };
  const feedForward = (name: string, input: Value) =>
    linear(
      `${name}.output.dense`,
      g.gelu(linear(`${name}.intermediate.dense`, input, width, hidden)),
      hidden,
      width,
    );
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    x = transformerBlock(g, x, norm, {
      attend: (input) => attention(name, input),
      feedForward: (input) => feedForward(name, input),
      norm1: (input) => layerNorm(`${name}.attention.output.LayerNorm`, input),
      norm2: (input) => layerNorm(`${name}.output.LayerNorm`, input),
    });
  }
  if (norm === 'pre') x = layerNorm('encoder.final.LayerNorm', x);
  g.output('last_hidden_state', x);
  return g.build();
}

const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
