import type { GraphBuilder, Value } from '../onnx/index.ts';

/** How the hidden states of a text's tokens become one vector: their mean, or the first token's. */
export type Pooling = 'mean' | 'first';

/**
 * hidden (batch, sequence, width) and mask (batch, sequence), 1 for tokens: (batch, width). The mean is over tokens alone
 * (Reimers and Gurevych 2019, "Sentence-BERT", section 3).
 */
export function pool(g: GraphBuilder, hidden: Value, mask: Value, pooling: Pooling): Value {
  if (pooling === 'first') return g.squeeze(g.slice(hidden, 1, 0, 1), [1]);
  const weights = g.cast(mask, 'float32');
  const sum = g.reduceSum(g.mul(hidden, g.unsqueeze(weights, [2])), [1]);
  return g.div(sum, g.max(g.reduceSum(weights, [1], true), 1));
}
