export { attentionBias, multiHeadAttention } from './attention.ts';
export { type Conv1dOptions, conv1d } from './convolution.ts';
export { type EmbeddingBagOptions, embeddingBag, embeddingBagOffsets } from './embedding.ts';
export {
  bceWithLogits,
  type CrossEntropyOptions,
  crossEntropy,
  IGNORED,
  infoNce,
  maskedToken,
  sampledSoftmaxInBatch,
  unitRows,
} from './losses.ts';
export { attentionPool, clsPool, maxPool, meanPool } from './pooling.ts';
export {
  type Directions,
  gru,
  lstm,
  type RecurrentOptions,
  type RecurrentStates,
  type RecurrentWeights,
} from './recurrent.ts';
export {
  type Linear,
  linear,
  type Norm,
  type TransformerOptions,
  type TransformerWeights,
  transformerBlock,
  transformerLayer,
} from './transformer.ts';
