import type { GraphBuilder, Value } from '../onnx/index.ts';

export interface EmbeddingBagOptions {
  /** Default mean; a bag without ids gives zeros. */
  readonly mode?: 'mean' | 'sum';
}

/**
 * The mean or sum of the embeddings of each row's ids (torch's EmbeddingBag, one bag a row). The table is read by one
 * gather, so that it can be trained by row gradients.
 * @param table (rows, width)
 * @param ids integers (…, length)
 * @param options paddingId: an id that is left out of sum and count, and whose row gets no gradient
 * @returns (…, width)
 */
export function embeddingBag(
  g: GraphBuilder,
  table: Value,
  ids: Value,
  { mode = 'mean', paddingId }: EmbeddingBagOptions & { readonly paddingId?: number } = {},
): Value {
  const rows = g.gather(table, ids); // (…, length, width)
  const axis = ids.shape.length - 1;
  if (paddingId === undefined)
    return mode === 'mean' ? g.reduceMean(rows, [axis]) : g.reduceSum(rows, [axis]);
  const counted = g.unsqueeze(g.cast(g.not(g.equal(ids, paddingId)), 'float32'), [-1]);
  const sum = g.reduceSum(g.mul(rows, counted), [axis]);
  return mode === 'sum' ? sum : g.div(sum, g.max(g.reduceSum(counted, [axis]), 1));
}

/**
 * The same for bags of any length in one flat list.
 * @param table (rows, width)
 * @param ids int64 (n), n at least 1
 * @param offsets int64 (bags): where each bag starts, ascending from 0; a bag ends where the next starts
 * @returns (bags, width)
 */
export function embeddingBagOffsets(
  g: GraphBuilder,
  table: Value,
  ids: Value,
  offsets: Value,
  { mode = 'mean' }: EmbeddingBagOptions = {},
): Value {
  const rows = g.gather(table, ids); // (n, width)
  const bag = bagOfEach(g, ids, offsets); // (n)
  const width = table.shape[1]!;
  const first = g.slice(table, 0, 0, 1); // (1, width), for its shape alone
  const zeros = g.mul(g.unsqueeze(g.cast(offsets, 'float32'), [1]), g.zerosLike(first)); // (bags, width)
  const index = g.expand(g.unsqueeze(bag, [1]), [ids.shape[0]!, width], [rows]);
  const sum = g.scatterAdd(zeros, index, rows);
  if (mode === 'sum') return sum;
  const ones = g.add(g.cast(g.zerosLike(ids), 'float32'), 1);
  const counts = g.scatterAdd(g.cast(g.zerosLike(offsets), 'float32'), bag, ones); // (bags)
  return g.div(sum, g.unsqueeze(g.max(counts, 1), [1]));
}

/** The bag of each id: how many bags have started up to it, less one. An empty bag at the very end starts nowhere. */
function bagOfEach(g: GraphBuilder, ids: Value, offsets: Value): Value {
  const count = g.op('Size', [ids]);
  const starts = g.cast(g.less(offsets, count), 'int64');
  const places = g.min(offsets, g.sub(count, 1));
  return g.sub(g.cumSum(g.scatterAdd(g.zerosLike(ids), places, starts), 0), 1);
}
