export { BgNbdCandidate } from './bg-nbd.ts';
export { LogisticCandidate } from './logistic.ts';
export { TreesCandidate } from './trees.ts';
