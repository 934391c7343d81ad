export { type Column, keyFacts, type Records } from './columns.ts';
export { readRecords } from './records.ts';
