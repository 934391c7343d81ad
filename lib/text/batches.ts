import type { Batch, BatchSource, Rng } from '../train/index.ts';
import type { Bucket } from './buckets.ts';
import { TextError } from './errors.ts';
import { type EncodedTexts, padRows, type TokenizedTexts } from './tokenizer.ts';

/** The shape of a bucket's batches. */
export interface BatchShape {
  /** Name of the program's variant for it. */
  readonly variant: string;
  readonly batch: number;
  readonly length: number;
}

/** Shapes of about equally many tokens each. */
export function batchShapes(buckets: readonly Bucket[], tokensPerBatch: number): BatchShape[] {
  return buckets.map(({ length }) => ({
    variant: `length-${length}`,
    batch: Math.max(1, Math.floor(tokensPerBatch / length)),
    length,
  }));
}

export interface TextBatches {
  readonly texts: TokenizedTexts;
  readonly buckets: readonly Bucket[];
  /** One for each bucket. */
  readonly shapes: readonly BatchShape[];
  readonly padId: number;
  readonly rng: Rng;
  /** @param weights 1, or 0 for rows that only fill up a bucket's last batch of an epoch */
  make(batch: EncodedTexts, rows: Int32Array, weights: Float32Array, rng: Rng): Batch['feeds'];
}

/**
 * Every text once an epoch, in batches of texts of about one length; which texts meet, and in what order the batches come, is drawn
 * anew each epoch. A function of the step alone, so that a resumed run goes on with the same batches.
 */
export function textBatches({ texts, buckets, shapes, padId, rng, make }: TextBatches): BatchSource {
  const counts = buckets.map(({ rows }, i) => Math.ceil(rows.length / shapes[i]!.batch));
  const stepsPerEpoch = counts.reduce((sum, count) => sum + count, 0);
  if (stepsPerEpoch === 0) throw new TextError('there are no texts to train on');
  let drawn:
    | { epoch: number; orders: Int32Array[]; batches: { bucket: number; start: number }[] }
    | undefined;
  const draw = (epoch: number) => {
    const own = rng.fork(`epoch ${epoch}`);
    const batches = counts.flatMap((count, bucket) =>
      Array.from({ length: count }, (_, i) => ({ bucket, start: i * shapes[bucket]!.batch })),
    );
    const order = own.fork('batches').permutation(batches.length);
    return {
      epoch,
      orders: buckets.map(({ rows }, i) => own.fork(`bucket ${i}`).permutation(rows.length)),
      batches: Array.from(order, (i) => batches[i]!),
    };
  };
  return {
    stepsPerEpoch,
    at(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      if (drawn?.epoch !== epoch) drawn = draw(epoch);
      const { bucket, start } = drawn.batches[step % stepsPerEpoch]!;
      const { rows } = buckets[bucket]!;
      const order = drawn.orders[bucket]!;
      const { batch, length, variant } = shapes[bucket]!;
      const chosen = Int32Array.from({ length: batch }, (_, i) => rows[order[(start + i) % rows.length]!]!);
      const weights = Float32Array.from({ length: batch }, (_, i) => (start + i < rows.length ? 1 : 0));
      const padded = padRows(texts, chosen, length, padId);
      const real = weights.reduce((sum, weight) => sum + weight, 0);
      return { feeds: make(padded, chosen, weights, rng.fork(`step ${step}`)), variant, weight: real };
    },
  };
}
