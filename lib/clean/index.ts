export { type CleanDropInput, type CleanResult, cleanDrop } from './drop.ts';
export { type EngineOptions, engineWithin } from './duckdb/index.ts';
export { isIgnored } from './ignored.ts';
export {
  type CleanKeys,
  cleanKeys,
  DATA_VERSION,
  type NamedSource,
  prefixOf,
  revisionOf,
  sourceOf,
} from './keys.ts';
export { type LargeDropInput, type SentDrop, sendLargeDrop } from './large-drop.ts';
export { removeLeftovers } from './leftovers.ts';
export { BUILT_IN_FLAGS, MISSING } from './mapping/index.ts';
export { type Preview, previewDrop } from './preview.ts';
export { type CleanedQuality, parseQuality, type Quality, type RefusedQuality } from './quality.ts';
