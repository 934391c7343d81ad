import { attentionBias, meanPool } from '../../../../engine/nn/index.ts';
import type { GraphBuilder, Value } from '../../../../engine/onnx/index.ts';
import type { Layers } from '../layers.ts';
import { convolutionLayer, recurrentLayer } from './layers.ts';

/** What reads the sequence. */
export type SequenceReader = (typeof SEQUENCE_READERS)[number];
export const SEQUENCE_READERS = ['transformer', 'gru', 'lstm', 'cnn'] as const;

export interface VisitShape {
  /** Default: a Transformer. */
  readonly reader?: SequenceReader | undefined;
  /** Rows of the table of ids. */
  readonly ids: number;
  readonly width: number;
  readonly layers: number;
  /** Of the Transformer. */
  readonly heads: number;
}

/** Name of the embedding table in every graph that has one. */
export const VISIT_TABLE = 'tokens.table';

/**
 * Reads a user's visits: each is the sum of its ids' embeddings, then layers look both ways: those of a Transformer
 * (BERT4Rec: Sun et al. 2019), recurrent ones or convolutions. Where a visit stands in time is told by its age and gap
 * fields, so there are no positions.
 * @param visits (batch, length, fields) int32; a visit whose first id is 0 is padding
 * @returns hidden (batch, length, width) and valid (batch, length), 1 for visits and 0 for padding
 */
export function encodeVisits(
  layers: Layers,
  visits: Value,
  { reader = 'transformer', ids, width, layers: depth, heads }: VisitShape,
): { hidden: Value; valid: Value } {
  const { g } = layers;
  const first = g.squeeze(g.slice(visits, 2, 0, 1), [2]);
  const valid = g.cast(g.greater(first, 0), 'float32');
  const bias = reader === 'transformer' ? g.unsqueeze(attentionBias(g, valid), [1, 2]) : undefined;
  const table = layers.normal(VISIT_TABLE, 0.1, ids, width);
  let x = g.reduceSum(g.gather(table, visits), [2]);
  for (let layer = 0; layer < depth; layer++) {
    const name = `encoder.${layer}`;
    if (bias) x = layers.transformerLayer(name, x, bias, { width, heads });
    else if (reader === 'cnn') x = convolutionLayer(layers, name, layer, x, { width, valid });
    else x = recurrentLayer(layers, name, reader === 'lstm' ? 'lstm' : 'gru', x, { width, valid });
  }
  return { hidden: layers.norm('encoder.norm', x, width), valid };
}

/** The mean over visits beside the last visit: (batch, 2 width). A user without visits has zeros. */
export function poolVisits(g: GraphBuilder, hidden: Value, valid: Value): Value {
  const mean = meanPool(g, hidden, valid);
  // The last visit is the one with nothing but itself from there to the end.
  const isLast = g.mul(g.cast(g.equal(g.cumSum(valid, 1, { reverse: true }), 1), 'float32'), valid);
  const last = g.reduceSum(g.mul(hidden, g.unsqueeze(isLast, [2])), [1]);
  return g.concat([mean, last], 1);
}
