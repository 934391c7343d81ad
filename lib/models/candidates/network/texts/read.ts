import { attentionBias } from '../../../../engine/nn/index.ts';
import type { Value } from '../../../../engine/onnx/index.ts';
import type { Layers } from '../layers.ts';

/** A text as a user's row names it: its number plus one (0: no text), its kind, and how old it is. */
export const TEXT_FIELDS = 3;
/** Days in powers of two up to "256 and more". */
const AGE_BUCKETS = 10;

/** How the text branch reads a user's recent texts. */
export interface TextShape {
  /** Width of a text's vector. */
  readonly vector: number;
  /** Mean and deviation of the vectors' coordinates over the training texts; a deviation of 0 leaves a coordinate out. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly width: number;
  readonly heads: number;
  /** Texts of a row. */
  readonly places: number;
  /** What a text may be: of an event type, the title of an item. */
  readonly kinds: number;
}

/** Name of the texts' vectors in a graph that makes them itself. */
export const TEXT_VECTORS = 'text.vectors';

/** Bucket of a text's age in days: 0, 1, 2–3, 4–7, … */
export const ageBucket = (days: number): number =>
  days < 1 ? 0 : Math.min(AGE_BUCKETS - 1, 1 + Math.floor(Math.log2(days)));

/**
 * Attention over a user's recent texts: each is its projected vector with what it is and how old it is; a query of
 * each head picks among them. A query is learnt, and shifts with what the other branches know of the user: those
 * weights start at zero (additive conditioning: attention pooling of Lin et al. 2017, with context). The part in each
 * logit starts at zero.
 * @param vectors (texts, vector)
 * @param texts (batch, places, TEXT_FIELDS) int32
 * @param context what is known of the user beside the texts, each (batch, width)
 * @param mask dropout mask (batch, width) of what was found, or none
 * @returns (batch, outputs); zeros for a user without texts
 */
export function readTexts(
  layers: Layers,
  vectors: Value,
  texts: Value,
  context: readonly { readonly name: string; readonly value: Value; readonly width: number }[],
  { mean, deviation, width, heads, places, kinds }: TextShape,
  outputs: number,
  mask?: Value,
): Value {
  const { g } = layers;
  const field = (i: number) => g.squeeze(g.slice(texts, 2, i, i + 1), [2]); // (batch, places)
  const number = field(0);
  const valid = g.cast(g.greater(number, 0), 'float32');
  const standard = g.mul(
    g.sub(vectors, g.constant(mean)),
    g.constant(deviation.map((s) => (s === 0 ? 0 : 1 / s))),
  );
  const projected = layers.dense('text.project', standard, mean.length, width); // (texts, width)
  const index = g.max(g.sub(number, g.constant(1, 'int32')), g.constant(0, 'int32'));
  const kind = g.gather(layers.normal('text.kind.table', 0.1, kinds, width), field(1));
  const age = g.gather(layers.normal('text.age.table', 0.1, AGE_BUCKETS, width), field(2));
  const read = layers.norm('text.norm', g.add(g.gather(projected, index), g.add(kind, age)), width);
  const split = (v: Value) =>
    g.transpose(g.reshape(v, ['batch', places, heads, width / heads]), [0, 2, 1, 3]); // (batch, heads, places, width/heads)
  const [keys, values] = g.split(layers.dense('text.read', read, width, 2 * width), [width, width], -1);
  let query = g.unsqueeze(layers.normal('text.query', 1 / Math.sqrt(width), width), [0]); // (1, width)
  for (const { name, value, width: from } of context) {
    query = g.add(query, g.matmul(value, layers.zeros(`text.query.${name}.weight`, from, width)));
  }
  const asked = g.reshape(query, [-1, heads, 1, width / heads]);
  const scores = g.matmulT(asked, split(keys!), { transB: true, alpha: 1 / Math.sqrt(width / heads) });
  const bias = g.unsqueeze(attentionBias(g, valid), [1, 2]); // (batch, 1, 1, places)
  const mixed = g.matmul(g.softmax(g.add(scores, bias)), split(values!)); // (batch, heads, 1, width/heads)
  const pooled = g.reshape(mixed, ['batch', width]);
  const hidden = g.gelu(layers.dense('text.up', layers.norm('text.pool.norm', pooled, width), width, width));
  const any = g.reduceMax(valid, [1], true); // (batch, 1)
  const found = mask ? g.mul(hidden, mask) : hidden;
  return g.mul(g.matmul(found, layers.zeros('text.head', width, outputs)), any);
}
