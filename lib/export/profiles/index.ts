export { type AnomalyModel, anomalyKey, fitAnomaly } from './anomaly.ts';
export { formerSegments, segmentsKey } from './former.ts';
export { type MeasureArguments, type Measured, measureShard } from './measure.ts';
export { type ProfileNight, profileNight, summaryOf } from './night.ts';
export { type ProfilePartArguments, type ProfileTable, writeProfilePart } from './part.ts';
