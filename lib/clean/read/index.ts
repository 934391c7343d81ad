export { type Column, type KeyFacts, keyFacts, type Records } from './columns.ts';
export { readRecords } from './records.ts';
