export { type Batch, type BatchSource, type ShuffledBatches, shuffledBatches } from './batches.ts';
export {
  type Bucket,
  type BucketBatch,
  type BucketedBatches,
  bucketedBatches,
  type LengthBuckets,
  lengthBuckets,
} from './buckets.ts';
export {
  type Best,
  type Checkpoint,
  type CurvePoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from './checkpoint.ts';
export { curveEvents, encodeEventFile, type ScalarEvent } from './event-file.ts';
export { type FitOptions, type FitResult, fit } from './fit.ts';
export { type FittedProgram, fitProgram, type ProgramFit } from './fit-program.ts';
export { type ByteStore, FitStore, type FitStoreOptions } from './fit-store.ts';
export { meanLoss } from './mean-loss.ts';
export { type RatePoint, type RateRange, type RateRangeTest, rateRangeTest } from './rate-range.ts';
export { type Search, type SearchResult, search, type Trial, trialTable } from './search.ts';
export { type Dimension, dimension, type PointOf, type SearchSpace } from './search-space.ts';
export type { StepFunction } from './step-function.ts';
