import type { GraphBuilder, Value } from '../onnx/index.ts';

/** A score this low leaves a place without attention. */
export const HIDDEN = -1e9;

/** What is added to attention scores: 0 where a value of 0 and 1 (any type) allows, else very negative. */
export function attentionBias(g: GraphBuilder, allowed: Value): Value {
  return g.mul(g.sub(1, g.cast(allowed, 'float32')), HIDDEN);
}

/**
 * Scaled dot-product attention in several heads (Vaswani et al. 2017, section 3.2).
 * @param query (batch, queries, width)
 * @param key (batch, keys, width)
 * @param value (batch, keys, width)
 * @param options bias: added to the scores, broadcast against (batch, heads, queries, keys)
 * @returns (batch, queries, width)
 */
export function multiHeadAttention(
  g: GraphBuilder,
  query: Value,
  key: Value,
  value: Value,
  { heads, bias }: { readonly heads: number; readonly bias?: Value },
): Value {
  const width = Number(query.shape[2]);
  const split = (v: Value): Value =>
    g.transpose(g.reshape(v, [v.shape[0]!, v.shape[1]!, heads, width / heads]), [0, 2, 1, 3]); // (batch, heads, length, width / heads)
  const [q, k, v] = [split(query), split(key), split(value)];
  const scores = g.matmulT(q, k, { transB: true, alpha: 1 / Math.sqrt(width / heads) });
  const mixed = g.matmul(g.softmax(bias ? g.add(scores, bias) : scores), v);
  return g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [query.shape[0]!, query.shape[1]!, width]);
}
