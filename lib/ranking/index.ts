export type { ItemTable } from './item-table.ts';
export {
  ensureItemTable,
  itemTableKey,
  type ListedUnit,
  type NextScorer,
  openNextScorer,
} from './score-next.ts';
export { type NextModelManifest, trainNext } from './train-next.ts';
export { openUnits, type UnitOf, type Units } from './units.ts';
