export {
  type Comparison,
  type Count,
  compareMeans,
  compareProportions,
  type Estimate,
  type MeanComparison,
  shareInterval,
} from './compare.ts';
export { type Cuped, cuped, type Measured } from './cuped.ts';
export { UpliftError } from './errors.ts';
export {
  type AssignedRows,
  classTransformation,
  doublyRobust,
  transformedOutcomes,
} from './pseudo-outcomes.ts';
export { type SampleRatio, sampleRatio } from './sample-ratio.ts';
