import type { GraphBuilder, Value } from '../onnx/index.ts';
import { HIDDEN } from './attention.ts';

/**
 * The mean of the states that count (Reimers and Gurevych 2019, section 3); zeros where none does.
 * @param hidden (batch, length, width)
 * @param mask (batch, length) of any type, 1 where a state counts
 * @returns (batch, width)
 */
export function meanPool(g: GraphBuilder, hidden: Value, mask: Value): Value {
  const weights = g.cast(mask, 'float32');
  const sum = g.reduceSum(g.mul(hidden, g.unsqueeze(weights, [2])), [1]);
  return g.div(sum, g.max(g.reduceSum(weights, [1], true), 1));
}

/** The first state: (batch, length, width) -> (batch, width). */
export function clsPool(g: GraphBuilder, hidden: Value): Value {
  return g.squeeze(g.slice(hidden, 1, 0, 1), [1]);
}

/** The largest of each component among the states that count; zeros where none does. Shapes as in `meanPool`. */
export function maxPool(g: GraphBuilder, hidden: Value, mask: Value): Value {
  const weights = g.cast(mask, 'float32');
  const lowered = g.add(hidden, g.unsqueeze(g.mul(g.sub(1, weights), HIDDEN), [2]));
  return g.mul(g.reduceMax(lowered, [1]), g.reduceMax(weights, [1], true));
}

/**
 * A mean weighted by softmax(hidden · query / √width) over the states that count (Yang et al. 2016, section 2.2, without
 * the hidden layer); zeros where none does.
 * @param query (width)
 */
export function attentionPool(g: GraphBuilder, hidden: Value, mask: Value, query: Value): Value {
  const width = Number(hidden.shape.at(-1));
  const weights = g.cast(mask, 'float32');
  const scores = g.mul(g.matmul(hidden, query), 1 / Math.sqrt(width)); // (batch, length)
  const shares = g.softmax(g.add(scores, g.mul(g.sub(1, weights), HIDDEN)));
  return g.reduceSum(g.mul(hidden, g.unsqueeze(g.mul(shares, weights), [2])), [1]);
}
