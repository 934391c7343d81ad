export {
  batchTexts,
  fitPropensity,
  type Parameters,
  type PropensityData,
  type PropensityFit,
  type PropensityTraining,
  predictPropensity,
  type RawRows,
  withValues,
} from './fit-propensity.ts';
export {
  fitColumns,
  fitInputs,
  fitPiecewise,
  type InputColumns,
  type InputTransform,
  writeInputs,
} from './inputs.ts';
export { pretrainEncoder } from './pretrain.ts';
export { bins, type Head, type PropensityShape, scoringModel, trainingModel } from './propensity.ts';
export type { SequenceShape } from './sequence.ts';
export { cutAtVectors, KeptVectors, TextVectors, vectorsGraph } from './text-encoder.ts';
export { pickTexts, renumbered, type TextData, textFeeds, vectorStatistics } from './text-feeds.ts';
export type { TextTuning } from './text-tuning.ts';
export { ageBucket, TEXT_FIELDS, TEXT_VECTORS, type TextShape } from './texts.ts';
export { TOKEN_FIELDS, TokenEncoder, type TokenVocabulary, tokenIds, VocabularyCounter } from './tokens.ts';
