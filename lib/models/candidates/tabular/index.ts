export { BgNbdCandidate } from './bg-nbd.ts';
export { type BoostedFit, fitBoosted } from './boosted.ts';
export { LinearCandidate } from './linear.ts';
export { LogisticCandidate } from './logistic.ts';
export { TreesCandidate } from './trees.ts';
