export { type ColumnProfile, inSql, profilesOf } from './columns.ts';
export { eventTypeOf, isVoidStatus } from './event-words.ts';
export { type SniffedFile, sniffFile } from './file.ts';
export { fileSettings, lookAtHead, unmapped } from './look.ts';
export { numberFormOf } from './numbers.ts';
export { type Candidate, candidatesFor, type Role } from './roles.ts';
export { timeExpression, timeFormOf } from './times.ts';
