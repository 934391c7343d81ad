export { type Adapter, decodeAdapter, encodeAdapter, type ParameterAdapter } from './adapter-file.ts';
export { applyBottlenecks, type BottleneckAdapter, type BottleneckOptions } from './bottleneck.ts';
export { PeftError } from './errors.ts';
export { type ResidualJoin, residualJoins } from './joins.ts';
export { type EncoderLayers, layersOf } from './layers.ts';
export { type LinearLayer, linears, selectLinears } from './linears.ts';
export {
  applyLora,
  LORA_INPUT,
  type LoraAdapter,
  type LoraOptions,
  type LoraTarget,
  loraScaling,
} from './lora.ts';
export { type Merged, type MergeOptions, maxDifference, mergeLora } from './merge.ts';
export type { Pattern } from './patterns.ts';
export { applyPrefix, type PrefixAdapter, type PrefixOptions } from './prefix.ts';
export { type TrainableSelection, trainable } from './trainable.ts';
export {
  gradualUnfreezing,
  type UnfreezeOptions,
  type UnfreezingStage,
  unfreezeSchedule,
} from './unfreeze.ts';
