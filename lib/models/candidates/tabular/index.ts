export { BgNbdCandidate } from './bg-nbd.ts';
export { type BoostedFit, fitBoosted } from './boosted.ts';
export type { KnownRows } from './known.ts';
export { LinearCandidate } from './linear.ts';
export { fitPenalised, LogisticCandidate } from './logistic.ts';
export { PriorsCandidate } from './priors.ts';
export { TreesCandidate } from './trees.ts';
