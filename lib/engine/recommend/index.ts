export { type AlsOptions, implicitAls } from './als.ts';
export { type BprOptions, bprFactors } from './bpr.ts';
export { RecommendError } from './errors.ts';
export type { Factors } from './factors.ts';
export type { Interactions, Recommender } from './interactions.ts';
export { itemNeighbours, type NeighbourOptions, userNeighbours } from './neighbours.ts';
