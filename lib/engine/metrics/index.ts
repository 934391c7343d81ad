export { assessClasses, type ClassAssessment } from './assess-classes.ts';
export { assessLabels, type LabelsAssessment, TOLD_FROM } from './assess-labels.ts';
export { assessNumbers, type NumbersAssessment } from './assess-numbers.ts';
export { assessNumeric, type NumericAssessment } from './assess-numeric.ts';
export { assessUplift, type UpliftAssessment } from './assess-uplift.ts';
export {
  assessBinary,
  assessLists,
  type BinaryAssessment,
  type ListAssessment,
  REACH_SHARES,
  type ReachRow,
  type Validation,
  weightedMeasures,
} from './assessment.ts';
export { auroc, averagePrecision, brier, type Confusion, confusion, lift, logLoss } from './binary.ts';
export { type BlendOptions, blendLogits, fitBlend } from './blend.ts';
export { fitClassBlend, fitNumberBlend } from './blend-joint.ts';
export {
  type Bootstrap,
  type BootstrapDifference,
  type BootstrapInterval,
  bootstrap,
  type PairedBootstrap,
  pairedBootstrap,
} from './bootstrap.ts';
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
  type GainRow,
  gainTable,
  type PrecisionRecallCurve,
  prCurve,
  type RocCurve,
  rocCurve,
} from './curves.ts';
export { type CutoffRows, type DriftCorrection, fitDrift } from './drift.ts';
export { CalibrationError, MetricError } from './errors.ts';
export { drawsFor, type Interval } from './intervals.ts';
export type { Isotonic } from './isotonic.ts';
export { longTail } from './long-tail.ts';
export {
  accuracy,
  type MulticlassPredictions,
  macroAuroc,
  macroF1,
  multiclassLogLoss,
  predictedClasses,
} from './multiclass.ts';
export {
  coverage,
  mae,
  type NumericDecile,
  numericDeciles,
  pinball,
  rmse,
  spearman,
  topShare,
} from './numeric.ts';
export { type Item, ndcgAtK, ndcgOf, recallAtK, recallOf } from './ranking.ts';
export { ece, type ReliabilityBin, reliabilityBins } from './reliability.ts';
export type { UpliftRows } from './uplift.ts';
