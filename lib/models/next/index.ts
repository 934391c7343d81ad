export { readCatalogue } from './catalogue.ts';
export { nextFamily } from './family.ts';
export type { ItemPair } from './item-pairs.ts';
export { offeredLists } from './rivals.ts';
export { ensureItemPairs, exportsItems, readItemPairs } from './run-item-pairs.ts';
