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
  const normalise = (v: Value, { scale, bias: shift }: Norm): Value => g.layerNorm(v, scale, shift, epsilon);
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
  if (norm === 'post') {
    const attended = normalise(g.add(x, attend(x)), weights.norm1);
    return normalise(g.add(attended, feedForward(attended)), weights.norm2);
  }
  const attended = g.add(x, attend(normalise(x, weights.norm1)));
  return g.add(attended, feedForward(normalise(attended, weights.norm2)));
}
