import type { GraphBuilder, Value } from '../onnx/index.ts';
import { lengthOf, type TokenizedTexts } from './tokenizer.ts';

export interface NgramShape {
  /** Rows of the table that n-grams of tokens are hashed into. */
  readonly buckets: number;
  /** 2: single tokens and neighbours. */
  readonly orders: number;
  /** Token between a text's fields: what stands behind the first of them is told apart. */
  readonly separator: number;
}

/** Odd and far apart, so that sums of multiples of ids meet seldom; products stay exact in doubles. */
const FACTORS = [1_000_003, 7_919, 611_953] as const;
const FIELD_STEP = 104_729;
const ORDER_STEP = 15_485_863;

/** The most neighbours of one n-gram. */
export const MOST_ORDERS = FACTORS.length;

/**
 * Linear scores from hashed n-grams of a text's tokens beside an encoder (Cheng et al. 2016, "Wide & deep learning"; hashing: Weinberger et al. 2009),
 * weighted by tf-idf of Euclidean length 1 within each of two fields: before and behind the first separator.
 * @param ids, mask integers (batch, sequence), padding behind the text
 * @param idf (buckets), see `inverseFrequencies`
 * @param table (buckets, classes)
 * @returns (batch, classes)
 */
export function ngramLogits(
  g: GraphBuilder,
  { ids, mask, idf, table }: { ids: Value; mask: Value; idf: Value; table: Value },
  { buckets, orders, separator }: NgramShape,
): Value {
  const whole = g.cast(ids, 'int64');
  const counted = g.cast(mask, 'float32');
  const isSeparator = g.cast(g.equal(whole, g.constant(separator, 'int64')), 'int64');
  const behind = g.cast(
    g.greater(g.cumSum(isSeparator, 1, { exclusive: true }), g.constant(0, 'int64')),
    'int64',
  );
  const int = (n: number) => g.constant(n, 'int64');
  const windows = Array.from({ length: orders }, (_, i) => {
    const order = i + 1;
    const part = (x: Value, k: number) => g.slice(x, 1, k, k === i ? undefined : k - i);
    const field = part(behind, 0);
    let hash = g.add(g.mul(field, int(FIELD_STEP)), int(order * ORDER_STEP));
    for (let k = 0; k < order; k++) hash = g.add(hash, g.mul(part(whole, k), int(FACTORS[k]!)));
    const bucket = g.sub(hash, g.mul(g.div(hash, int(buckets)), int(buckets))); // (batch, sequence - i)
    const weight = g.mul(g.gather(idf, bucket), part(counted, i));
    return { bucket, weight, field: g.cast(field, 'float32') };
  });
  const inverseLength = (of: (field: Value) => Value) => {
    const squares = windows.map(({ weight, field }) =>
      g.reduceSum(g.mul(g.square(weight), of(field)), [1], true),
    );
    return g.div(
      1,
      g.sqrt(
        g.max(
          squares.reduce((sum, one) => g.add(sum, one)),
          1e-12,
        ),
      ),
    ); // (batch, 1)
  };
  const first = inverseLength((field) => g.sub(1, field));
  const rest = inverseLength((field) => field);
  const scores = windows.map(({ bucket, weight, field }) => {
    const scale = g.add(g.mul(g.sub(1, field), first), g.mul(field, rest));
    return g.reduceSum(g.mul(g.gather(table, bucket), g.unsqueeze(g.mul(weight, scale), [2])), [1]);
  });
  return scores.reduce((sum, one) => g.add(sum, one));
}

/** The bucket of the n-gram of `order` tokens from `at` on; `field` is 1 behind a separator. */
function bucketOf(ids: Int32Array, at: number, order: number, field: number, buckets: number): number {
  let hash = field * FIELD_STEP + order * ORDER_STEP;
  for (let k = 0; k < order; k++) hash += ids[at + k]! * FACTORS[k]!;
  return hash % buckets;
}

/**
 * Inverse document frequencies of n-grams, log((1 + n) / (1 + df)) + 1, and 0 where fewer than `least` of the texts hold one: it would
 * only tell that text apart. Training texts only.
 */
export function inverseFrequencies(
  texts: TokenizedTexts,
  { buckets, orders, separator }: NgramShape,
  least = 2,
): Float32Array {
  const count = texts.offsets.length - 1;
  const frequency = new Int32Array(buckets);
  const lastSeen = new Int32Array(buckets).fill(-1);
  for (let text = 0; text < count; text++) {
    const start = texts.offsets[text]!;
    const own = texts.ids.subarray(start, start + lengthOf(texts, text));
    for (let order = 1; order <= orders; order++) {
      let field = 0;
      for (let at = 0; at + order <= own.length; at++) {
        const bucket = bucketOf(own, at, order, field, buckets);
        if (own[at] === separator) field = 1;
        if (lastSeen[bucket] === text) continue;
        lastSeen[bucket] = text;
        frequency[bucket]!++;
      }
    }
  }
  return Float32Array.from(frequency, (df) => (df < least ? 0 : Math.log((1 + count) / (1 + df)) + 1));
}
