export { type BoostingCurve, type BoostingFit, type BoostingInput, fitBoosting } from './boosting.ts';
export type { TreeModel } from './model.ts';
export { predictProbabilities, predictRaw } from './predict.ts';
