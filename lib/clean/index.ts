export { type CleanDropInput, type CleanResult, cleanDrop } from './drop.ts';
export { type EngineOptions, engineWithin, quoteText, type Sql, withConnection } from './duckdb/index.ts';
export { Refusal } from './errors.ts';
export { type ExpressionFault, expressionFaults } from './expression-faults.ts';
export { type Head, headOf } from './head.ts';
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
export { type Look, lookInto } from './look-into.ts';
export { BUILT_IN_FLAGS, MISSING } from './mapping/index.ts';
export { type Preview, previewDrop } from './preview.ts';
export { type CleanedQuality, parseQuality, type Quality, type RefusedQuality } from './quality.ts';
