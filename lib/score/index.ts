export {
  encodeProfiles,
  LIFECYCLES,
  type Lifecycle,
  NO_CODE,
  PARTS_OF_DAY,
  type ProfileColumns,
  profileColumns,
  type ShardProfiles,
  TRAITS,
  WEEKDAYS,
} from './profiles/index.ts';
export { scoreRun } from './score-run.ts';
export { scoredShards } from './score-shard.ts';
export { decodeScores, encodeScores, type ScoreColumns, scoreColumns } from './scores.ts';
export { type TextColumn, textsOf } from './text-column.ts';
