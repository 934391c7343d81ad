export {
  type ConditionColumn,
  type ConditionOf,
  conditionFault,
  readCondition,
  rowsThatMeet,
} from './condition.ts';
export { type Digests, findKeys, keysOf, listDigests, recordDigest } from './digests.ts';
export { type CleanDropInput, type CleanResult, cleanDrop } from './drop.ts';
export { engineWithin, quoteText, type Sql, withConnection } from './duckdb/index.ts';
export { Refusal } from './errors.ts';
export { expressionFaults } from './expression-faults.ts';
export { type Head, headOf } from './head.ts';
export { isIgnored } from './ignored.ts';
export {
  type CleanKeys,
  cleanKeys,
  keysOfBytes,
  type Mappings,
  mappingOf,
  type NamedSource,
  prefixOf,
  sourceOf,
} from './keys.ts';
export { removeLeftovers } from './leftovers.ts';
export { type Look, lookInto } from './look-into.ts';
export { MISSING } from './mapping/index.ts';
export { type Preview, previewDrop } from './preview.ts';
export { type CleanedQuality, parseQuality, type Quality, type RefusedQuality } from './quality.ts';
export { type SendDropInput, sendDrop } from './send-drop.ts';
export { isOpaque, mentions, type WithoutPeople, withoutPeople } from './without-people.ts';
