export { type DropoutSite, type InsertDropout, insertDropout } from './dropout-graph.ts';
export { DropoutMasks } from './dropout-masks.ts';
export { type DropoutPlaces, dropoutPlaces } from './dropout-places.ts';
