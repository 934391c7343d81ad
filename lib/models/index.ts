export {
  fitPropensity,
  type Parameters,
  type PropensityData,
  type PropensityFit,
  type PropensityTraining,
  predictPropensity,
  withValues,
} from './fit-propensity.ts';
export { fitInputs, type InputTransform } from './inputs.ts';
export { pretrainEncoder } from './pretrain.ts';
export { bins, type Head, type PropensityShape, scoringModel, trainingModel } from './propensity.ts';
export { TOKEN_FIELDS, TokenEncoder, tokenIds, type TokenVocabulary, VocabularyCounter } from './tokens.ts';
