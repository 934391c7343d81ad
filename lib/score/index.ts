export { scoreRun } from './score-run.ts';
export { openRunScorer, scoredShards } from './score-shard.ts';
export { openUserScorer, type UserScorer } from '../models/users/score.ts';
export { decodeScores, encodeScores, type ShardScores, type TaskScores } from './scores.ts';
