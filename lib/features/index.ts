export {
  type AttributeEncoder,
  type AttributeWriter,
  attributeNames,
  attributeWriter,
  type ColumnEncoding,
  type FitOptions,
  fitAttributes,
} from './attribute-encoder.ts';
export {
  type AttributeColumn,
  type AttributeTable,
  readAttributes,
  validRows,
} from './attribute-table.ts';
export { buildDays, daysKey, encodeDays, isCleanEvents } from './build-days.ts';
export { ByteCache } from './byte-cache.ts';
export { numberColumn, optionalColumn, textColumn } from './columns.ts';
export { happens, inPopulation } from './cutoffs.ts';
export { type Entries, mergeDay, mergeDays, type UserDay } from './days.ts';
export { FeatureTable, featureNames, featureTable, featureVector } from './feature-table.ts';
export { addDay } from './fold.ts';
export { Interner } from './interner.ts';
export type { ItemMap } from './item-map.ts';
export { dayStart } from './midnight.ts';
export {
  type DayInput,
  type FoldPlan,
  planFold,
  type SnapshotInfo,
  snapshotInfo,
  snapshotKey,
} from './plan-fold.ts';
export { type ReadShardOptions, readShardDays, type ShardUser, ShardUsers } from './shard.ts';
export { decodeSnapshot, type Snapshot, SnapshotWriter } from './snapshot.ts';
export { daysSpec, ITEM_HALF_LIVES, stateSettings, stateSpec, VISIT_ITEMS } from './spec.ts';
export { AT, DAY_PARTS, DECAYED, UserState } from './state.ts';
export { type ReadTextsOptions, readShardTexts, type ShardTexts } from './texts.ts';
export type { FeatureGroup, FeatureName } from './vector.ts';
export {
  type EventVersions,
  type KeyedDrop,
  KeyRows,
  keysKey,
  type NewestBy,
  openVersions,
  type Question,
  type ReplacedLines,
} from './versions/index.ts';
export type { VisitList } from './visit-list.ts';
export { eventWords, groupWords } from './words.ts';
