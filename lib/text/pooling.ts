import { clsPool, maxPool, meanPool } from '../nn/index.ts';
import type { GraphBuilder, Value } from '../onnx/index.ts';

/** How the hidden states of a text's tokens become one vector: their mean, the first token's, or the largest of each component. */
export type Pooling = 'mean' | 'first' | 'max';

/** hidden (batch, sequence, width) and mask (batch, sequence), 1 for tokens: (batch, width). */
export function pool(g: GraphBuilder, hidden: Value, mask: Value, pooling: Pooling): Value {
  if (pooling === 'first') return clsPool(g, hidden);
  return pooling === 'max' ? maxPool(g, hidden, mask) : meanPool(g, hidden, mask);
}
