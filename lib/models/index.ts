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
} from './candidates/network/fit.ts';
export {
  fitColumns,
  fitInputs,
  fitPiecewise,
  type InputColumns,
  type InputTransform,
  writeInputs,
} from './candidates/inputs.ts';
export { pretrainEncoder } from './candidates/network/visits/pretrain.ts';
export { bins, type Head, type PropensityShape, scoringModel, trainingModel } from './candidates/network/graph.ts';
export type { SequenceShape } from './candidates/network/visits/sequence.ts';
export { cutAtVectors, KeptVectors, TextVectors, vectorsGraph } from './candidates/network/texts/vectors.ts';
export { pickTexts, renumbered, type TextData, textFeeds, vectorStatistics } from './candidates/network/texts/feeds.ts';
export type { TextTuning } from './candidates/network/texts/tuning.ts';
export { ageBucket, TEXT_FIELDS, TEXT_VECTORS, type TextShape } from './candidates/network/texts/read.ts';
export { TOKEN_FIELDS, TokenEncoder, type TokenVocabulary, tokenIds, VocabularyCounter } from './candidates/network/visits/visit-ids.ts';
