import type { Feeds, Rng } from '../../host/index.ts';
import { TrainError } from '../../host/index.ts';
import type { Batch, BatchSource } from './batches.ts';

/** Rows of about one length, trained at one shape. */
export interface Bucket {
  /** Name of the program's variant for this shape. */
  variant: string;
  /** Length that its rows are padded to. */
  length: number;
  /** Rows of every batch. */
  batchSize: number;
  /** Numbers of the rows, ascending. */
  rows: Int32Array;
}

export interface LengthBuckets {
  /** Length of each row. */
  lengths: ArrayLike<number>;
  /** Lengths to pad to. A row goes to the least that holds it; one that is longer than all goes to the longest. */
  buckets: readonly number[];
  /** Rows of every batch; or `tokensPerBatch`, so that batches of all shapes cost about the same. */
  batchSize?: number;
  tokensPerBatch?: number;
}

/**
 * Rows by length: the shapes that programs are compiled for. Buckets without rows are left out.
 * @throws TrainError when lengths or sizes are no whole numbers from 1, or there are no rows
 */
export function lengthBuckets({ lengths, buckets, batchSize, tokensPerBatch }: LengthBuckets): Bucket[] {
  const sorted = [...new Set(buckets)].sort((a, b) => a - b);
  const sizes = sorted.map((length) => batchSize ?? Math.max(1, Math.floor((tokensPerBatch ?? 0) / length)));
  const whole = [...sorted, ...sizes, tokensPerBatch ?? 1].every((n) => Number.isInteger(n) && n >= 1);
  if (!whole || sorted.length === 0 || (batchSize === undefined) === (tokensPerBatch === undefined)) {
    throw new TrainError(
      `length buckets and either batchSize or tokensPerBatch are expected, whole numbers from 1; given buckets ` +
        `${buckets.join(', ') || 'none'}, batchSize ${batchSize} and tokensPerBatch ${tokensPerBatch}`,
    );
  }
  if (lengths.length === 0) throw new TrainError('there are no rows to put into buckets');
  const rows: number[][] = sorted.map(() => []);
  for (let row = 0; row < lengths.length; row++) {
    const at = sorted.findIndex((length) => lengths[row]! <= length);
    rows.at(at)!.push(row);
  }
  return sorted
    .map((length, i) => ({
      variant: `length-${length}`,
      length,
      batchSize: sizes[i]!,
      rows: Int32Array.from(rows[i]!),
    }))
    .filter((bucket) => bucket.rows.length > 0);
}

/** One batch of a bucket. */
export interface BucketBatch {
  /** Row numbers, always the bucket's batchSize of them. */
  rows: Int32Array;
  /** 1, or 0 for the rows that only fill up the bucket's last batch; feed them to the program's row weight. */
  weights: Float32Array;
  /** Columns to pad to. */
  length: number;
  variant: string;
  /** Number of the batch in the run. */
  step: number;
}

export interface BucketedBatches {
  buckets: readonly Bucket[];
  rng: Rng;
  make(batch: BucketBatch): Feeds | Promise<Feeds>;
}

/**
 * Every row once an epoch, in batches of rows of about one length. Which rows meet and in what order the batches come is
 * drawn anew each epoch, as a function of the epoch alone, so that a resumed run goes on with the same batches.
 */
export function bucketedBatches({ buckets, rng, make }: BucketedBatches): BatchSource {
  const places = buckets.flatMap((bucket, index) =>
    Array.from({ length: Math.ceil(bucket.rows.length / bucket.batchSize) }, (_, i) => ({
      bucket,
      index,
      start: i * bucket.batchSize,
    })),
  );
  if (places.length === 0) throw new TrainError('there are no rows to make batches of');
  let drawn: { epoch: number; places: Int32Array; rows: Int32Array[] } | undefined;
  const draw = (epoch: number) => {
    const own = rng.fork(`epoch ${epoch}`);
    return {
      epoch,
      places: own.fork('batches').permutation(places.length),
      rows: buckets.map(({ rows, variant }) => own.fork(variant).permutation(rows.length)),
    };
  };
  return {
    stepsPerEpoch: places.length,
    async at(step): Promise<Batch> {
      const epoch = Math.floor(step / places.length);
      if (drawn?.epoch !== epoch) drawn = draw(epoch);
      const { bucket, index, start } = places[drawn.places[step % places.length]!]!;
      const { variant, length, batchSize, rows } = bucket;
      const order = drawn.rows[index]!;
      const weight = Math.min(batchSize, rows.length - start);
      const chosen = Int32Array.from(
        { length: batchSize },
        (_, i) => rows[order[(start + i) % rows.length]!]!,
      );
      const weights = Float32Array.from({ length: batchSize }, (_, i) => (i < weight ? 1 : 0));
      const feeds = await make({ rows: chosen, weights, length, variant, step });
      return { feeds, variant, weight };
    },
  };
}
