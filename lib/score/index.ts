export { scoreRun } from './score-run.ts';
export { scoredShards } from './score-shard.ts';
export { decodeScores } from './scores.ts';
