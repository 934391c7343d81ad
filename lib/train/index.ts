export { type AdamWUpdate, adamwRows, adamwStep, type Moments } from './adamw.ts';
export {
  assessBinary,
  assessLists,
  type BinaryAssessment,
  type Interval,
  type ListAssessment,
  REACH_SHARES,
  type ReachRow,
  type Validation,
} from './assessment.ts';
export { type Batch, type BatchSource, type ShuffledBatches, shuffledBatches } from './batches.ts';
export {
  type Bootstrap,
  type BootstrapDifference,
  type BootstrapInterval,
  bootstrap,
  type PairedBootstrap,
  pairedBootstrap,
} from './bootstrap.ts';
export {
  type Bucket,
  type BucketBatch,
  type BucketedBatches,
  bucketedBatches,
  type LengthBuckets,
  lengthBuckets,
} from './buckets.ts';
export {
  type Calibrator,
  type CalibratorKind,
  calibratorFromJson,
  fitBias,
  fitIsotonic,
  fitPlatt,
  fitTemperature,
  identityCalibrator,
  isotonicRows,
  type Sigmoid,
} from './calibration.ts';
export {
  type Best,
  type Checkpoint,
  type CurvePoint,
  decodeCheckpoint,
  encodeCheckpoint,
} from './checkpoint.ts';
export { clipFactor, sumOfSquares } from './clip.ts';
export { type DropoutSite, type InsertDropout, insertDropout } from './dropout-graph.ts';
export { DropoutMasks } from './dropout-masks.ts';
export { type DropoutPlaces, dropoutPlaces } from './dropout-places.ts';
export {
  AbortedError,
  CalibrationError,
  CheckpointError,
  DivergedError,
  MetricError,
  ProgramError,
  SessionError,
  TrainError,
} from './errors.ts';
export { curveEvents, encodeEventFile, type ScalarEvent } from './event-file.ts';
export { type FitOptions, type FitResult, fit } from './fit.ts';
export { type FittedProgram, fitProgram, type ProgramFit } from './fit-program.ts';
export { FitStore, type FitStoreOptions } from './fit-store.ts';
export type { Isotonic } from './isotonic.ts';
export { type LayerwiseRates, layerwiseRates } from './layerwise.ts';
export { meanLoss } from './mean-loss.ts';
export {
  auroc,
  averagePrecision,
  brier,
  type Confusion,
  confusion,
  lift,
  logLoss,
} from './metrics-binary.ts';
export { ece, type ReliabilityBin, reliabilityBins } from './metrics-calibration.ts';
export {
  type GainRow,
  gainTable,
  type PrecisionRecallCurve,
  prCurve,
  type RocCurve,
  rocCurve,
} from './metrics-curves.ts';
export {
  accuracy,
  type MulticlassPredictions,
  macroAuroc,
  macroF1,
  multiclassLogLoss,
  predictedClasses,
} from './metrics-multiclass.ts';
export { type Item, ndcgAtK, ndcgOf, recallAtK, recallOf } from './metrics-ranking.ts';
export type {
  AdafactorOptions,
  AdagradOptions,
  AdamWOptions,
  Grouping,
  GroupSettings,
  OptimiserOptions,
  SgdOptions,
} from './optimiser-options.ts';
export type { Parameter, RowGradientOutput, TrainingProgram } from './program.ts';
export { type RatePoint, type RateRange, type RateRangeTest, rateRangeTest } from './rate-range.ts';
export { createRng, Rng, type RngState } from './rng.ts';
export { addRows, type Lookup, type RowGradient, sumRows } from './row-gradient.ts';
export { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
export { constantSchedule, cosineSchedule, linearSchedule, type Schedule } from './schedule.ts';
export { type Search, type SearchResult, search, type Trial, trialTable } from './search.ts';
export { type Dimension, dimension, type PointOf, type SearchSpace } from './search-space.ts';
export { openSession, type RunOptions, Session, type SessionOptions } from './session.ts';
export type { StepFunction } from './step-function.ts';
export {
  bool,
  type ElementType,
  type Feeds,
  float32,
  float64,
  type HostTensor,
  int32,
  int64,
} from './tensor.ts';
export {
  type BackwardOptions,
  type BatchOptions,
  checkAborted,
  type NoiseOptions,
  openTrainer,
  type StepOptions,
  Trainer,
  type TrainerOptions,
  type UpdateOptions,
} from './trainer.ts';
export type { BackwardResult, StepResult } from './trainer-core.ts';
export type { StartingPoint, TrainerState } from './trainer-state.ts';
