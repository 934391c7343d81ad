import type { Rng } from '../host/index.ts';
import { type Batch, type BatchSource, type Bucket, bucketedBatches } from '../train/index.ts';
import type { LengthBucket } from './buckets.ts';
import { TextError } from './errors.ts';
import { type EncodedTexts, padRows, type TokenizedTexts } from './tokenizer.ts';

/** The shape of a bucket's batches. */
export type BatchShape = Omit<Bucket, 'rows'>;

/** Buckets with batches of about equally many tokens each. */
export function batchBuckets(buckets: readonly LengthBucket[], tokensPerBatch: number): Bucket[] {
  return buckets.map(({ length, rows }, i) => ({
    variant: `bucket ${i}`,
    length,
    batchSize: Math.max(1, Math.floor(tokensPerBatch / length)),
    rows,
  }));
}

export interface TextBatches {
  readonly texts: TokenizedTexts;
  readonly buckets: readonly Bucket[];
  readonly padId: number;
  readonly rng: Rng;
  /**
   * @param weights 1, or 0 for rows that only fill up a bucket's last batch of an epoch
   * @param rng of this step alone
   */
  make(batch: EncodedTexts, rows: Int32Array, weights: Float32Array, rng: Rng): Batch['feeds'];
}

/** Every text once an epoch, in padded batches of texts of about one length; see `bucketedBatches`. */
export function textBatches({ texts, buckets, padId, rng, make }: TextBatches): BatchSource {
  if (buckets.length === 0) throw new TextError('there are no texts to train on');
  return bucketedBatches({
    buckets,
    rng,
    make: ({ rows, weights, length, step }) =>
      make(padRows(texts, rows, length, padId), rows, weights, rng.fork(`step ${step}`)),
  });
}
