export { scoreRun } from './score-run.ts';
export { scoredShards } from './score-shard.ts';
export {
  decodeScores,
  encodeScores,
  type ScoreColumns,
  scoreColumns,
  type TextColumn,
  textsOf,
} from './scores.ts';
