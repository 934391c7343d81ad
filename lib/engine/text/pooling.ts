import { clsPool, maxPool, meanPool } from '../nn/index.ts';
import type { Graph, GraphBuilder, Value } from '../onnx/index.ts';

/** How the hidden states of a text's tokens become one vector: their mean, the first token's, or the largest of each component. */
export type Pooling = 'mean' | 'first' | 'max';

/**
 * hidden (batch, sequence, width) to (batch, width).
 * @param mask (batch, sequence), 1 for tokens; asked for only where the pooling needs it
 */
export function pool(g: GraphBuilder, hidden: Value, mask: () => Value, pooling: Pooling): Value {
  if (pooling === 'first') return clsPool(g, hidden);
  return pooling === 'max' ? maxPool(g, hidden, mask()) : meanPool(g, hidden, mask());
}

/** The mask of a text graph: its own input, or one that is added because the encoder reads none. */
export function textMask(g: GraphBuilder, { inputs }: Pick<Graph, 'inputs'>): Value {
  const known = inputs.find(({ name }) => name === 'attention_mask');
  return known ?? g.input('attention_mask', 'int64', inputs.find(({ name }) => name === 'input_ids')!.shape);
}
