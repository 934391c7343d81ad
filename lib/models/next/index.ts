export { readCatalogue } from './catalogue.ts';
export { nextFamily } from './family.ts';
export { type ItemPair, itemPairs } from './item-pairs.ts';
