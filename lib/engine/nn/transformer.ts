import type { GraphBuilder, Value } from '../onnx/index.ts';
import { multiHeadAttention } from './attention.ts';

/** x Wᵀ + b in torch's layout. */
export interface Linear {
  readonly weight: Value; // (out, in)
  readonly bias?: Value; // (out)
}

export interface Norm {
  readonly scale: Value; // (width)
  readonly bias?: Value; // (width)
}

/** The parts of torch's TransformerEncoderLayer. */
export interface TransformerWeights {
  /** in_proj: query, key and value stacked, (3 width, width). */
  readonly qkv: Linear;
  /** out_proj. */
  readonly out: Linear;
  /** linear1, (hidden, width). */
  readonly up: Linear;
  /** linear2, (width, hidden). */
  readonly down: Linear;
  readonly norm1: Norm;
  readonly norm2: Norm;
}

export interface TransformerOptions {
  readonly heads: number;
  /** Where the norms stand: after each sum (Vaswani et al. 2017) or before each branch (Xiong et al. 2020). */
  readonly norm: 'post' | 'pre';
  /** Added to the attention scores, broadcast against (batch, heads, length, length); see `attentionBias`. */
  readonly bias?: Value;
  /** Default gelu (erf). */
  readonly activation?: 'gelu' | 'relu';
  /** Of the norms; default 1e-5. */
  readonly epsilon?: number;
}

/** x Wᵀ + b with torch's weight (out, in); x (…, in) -> (…, out). */
export function linear(g: GraphBuilder, x: Value, { weight, bias }: Linear): Value {
  const product = g.matmulT(x, weight, { transB: true });
  return bias ? g.add(product, bias) : product;
}

/** What a Transformer layer is made of, each on (batch, length, width). */
export interface TransformerParts {
  readonly attend: (x: Value) => Value;
  readonly feedForward: (x: Value) => Value;
  /** Of the attention and of the feed-forward part. */
  readonly norm1: (x: Value) => Value;
  readonly norm2: (x: Value) => Value;
}

/**
 * How the parts make a layer: each is added to what it was given, with the norms after each sum (Vaswani et al. 2017) or
 * before each part (Xiong et al. 2020).
 */
export function transformerBlock(
  g: GraphBuilder,
  x: Value,
  norm: 'post' | 'pre',
  { attend, feedForward, norm1, norm2 }: TransformerParts,
): Value {
  if (norm === 'post') {
    const attended = norm1(g.add(x, attend(x)));
    return norm2(g.add(attended, feedForward(attended)));
  }
  const attended = g.add(x, attend(norm1(x)));
  return g.add(attended, feedForward(norm2(attended)));
}

/**
 * A Transformer encoder layer with torch's weights, without dropout.
 * @param x (batch, length, width)
 * @returns (batch, length, width)
 */
export function transformerLayer(
  g: GraphBuilder,
  x: Value,
  weights: TransformerWeights,
  { heads, norm, bias, activation = 'gelu', epsilon = 1e-5 }: TransformerOptions,
): Value {
  const width = Number(x.shape[2]);
  const normalise =
    ({ scale, bias: shift }: Norm) =>
    (v: Value): Value =>
      g.layerNorm(v, scale, shift, epsilon);
  const attend = (v: Value): Value => {
    const [query, key, value] = g.split(linear(g, v, weights.qkv), [width, width, width], -1) as [
      Value,
      Value,
      Value,
    ];
    const mixed = multiHeadAttention(g, query, key, value, { heads, ...(bias && { bias }) });
    return linear(g, mixed, weights.out);
  };
  const feedForward = (v: Value): Value => {
    const hidden = linear(g, v, weights.up);
    return linear(g, activation === 'gelu' ? g.gelu(hidden) : g.relu(hidden), weights.down);
  };
  const [norm1, norm2] = [normalise(weights.norm1), normalise(weights.norm2)];
  return transformerBlock(g, x, norm, { attend, feedForward, norm1, norm2 });
}
