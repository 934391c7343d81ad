export {
  type AttributeEncoder,
  attributeNames,
  attributeWriter,
  fitAttributes,
} from './attribute-encoder.ts';
export {
  type AttributeColumn,
  type AttributeTable,
  readAttributes,
  readUnlabelledRows,
  type UnlabelledRows,
  validRows,
} from './attribute-table.ts';
export { buildDays, daysKey, encodeDays, isCleanEvents } from './build-days.ts';
export { numberColumn, optionalColumn, textColumn } from './columns.ts';
export {
  amountWithin,
  happens,
  inPopulation,
  isAsked,
  type Population,
  populationOf,
  type UserTask,
} from './cutoffs.ts';
export { mergeDay, type UserDay } from './days.ts';
export { DayRows, lowerBound } from './days-file.ts';
export { weekdayOf } from './facts.ts';
export { featureNames, featureVector, someFeatures } from './feature-table.ts';
export { addDay } from './fold.ts';
export {
  type IdentityQuestion,
  type IdentityTally,
  type MovedParts,
  openIdentities,
} from './identities/index.ts';
export { Interner } from './interner.ts';

export { dayStart } from './midnight.ts';
export { coverByPacks, type PackInput, packSmallFiles } from './packs/index.ts';
export {
  type DayInput,
  type FoldPlan,
  planFold,
  type SnapshotInfo,
  snapshotInfo,
  snapshotKey,
} from './plan-fold.ts';
export { type PopulationColumn, populationColumns, populationColumnsText } from './population-columns.ts';
export { type DayFile, dayFile, readShardDays, type ShardUser, ShardUsers } from './shard.ts';
export { ShardedFiles } from './sharded-files.ts';
export { decodeSnapshot, SnapshotWriter } from './snapshot.ts';
export { daysSpec, stateSettings, VISIT_ITEMS } from './spec.ts';
export { AT, DAY_PARTS, TYPES, UserState } from './state.ts';
export { readShardTexts } from './texts.ts';
export type { FeatureName } from './vector.ts';
export {
  type EventVersions,
  type KeyedDrop,
  KeyRows,
  keyInputs,
  keysKey,
  type NewestBy,
  openVersions,
  type Question,
  type ReplacedLines,
} from './versions/index.ts';
export type { VisitList } from './visit-list.ts';
export { groupWords } from './words.ts';
