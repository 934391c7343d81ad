export { scoreRun } from './score-run.ts';
export { openRunScorer, scoredShards, scoresKey } from './score-shard.ts';
export { tableScoresKey } from './score-table.ts';
export { openUserScorer, type UserScorer } from './score-users.ts';
export { decodeScores, encodeScores, type ShardScores, type TaskScores } from './scores.ts';
