export { type LengthBucket, roundedLength, textBuckets } from './buckets.ts';
export { buildTextEncoder, type TextEncoderShape } from './build.ts';
export { fitTextClassifier, type TextClassifier } from './classifier.ts';
export { SCORING_LOGITS } from './classifier-model.ts';
export type { TextClassifierOptions } from './classifier-settings.ts';
export { EMBEDDING, type EmbedOptions, embeddingGraph, embedTexts } from './embed.ts';
export {
  encoderFeeds,
  encoderOfShape,
  type OpenTextEncoderOptions,
  openTextEncoder,
  type TextEncoderModel,
  textAxes,
  textEncoder,
} from './encoder.ts';
export { TextError } from './errors.ts';
export { type OwnEncoderOptions, ownEncoder } from './own-encoder.ts';
export { type Pooling, pool } from './pooling.ts';
export { classifierLogits, encodeClassifier, predictTexts, type TextPredictions } from './predict.ts';
export { type PretrainTextOptions, pretrainText } from './pretrain.ts';
export { type ReadTextsOptions, readTexts } from './read-texts.ts';
export { encoderFiles, saveTextEncoder } from './save.ts';
export { isSpaceless } from './scripts.ts';
export { type ShrinkCost, type ShrunkEncoder, type SmallWeights, shrinkEncoder } from './shrink.ts';
export {
  type EncodedTexts,
  padRows,
  TextTokenizer,
  type TokenizedTexts,
  type TokenizeOptions,
} from './tokenizer.ts';
export { type TokenizerFiles, trainWordPiece, type WordPieceOptions } from './word-piece.ts';
