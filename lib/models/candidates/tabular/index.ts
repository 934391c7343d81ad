export { LogisticCandidate } from './logistic.ts';
export { TreesCandidate } from './trees.ts';
