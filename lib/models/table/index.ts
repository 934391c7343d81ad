export { tableFamily } from './family.ts';
export { readLabelled, readSplitTable, type SplitTable, tableFeatures } from './labelled.ts';
export { readUnlabelled } from './unlabelled.ts';
