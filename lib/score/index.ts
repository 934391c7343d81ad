export { scoreRun } from './score-run.ts';
export { openRunScorer, scoredShards } from './score-shard.ts';
export { decodeScores, encodeScores } from './scores.ts';
