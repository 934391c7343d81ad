export { type ColumnProfile, inSql, profilesOf } from './columns.ts';
export { type CsvDialect, type SniffedFile, sniffFile } from './file.ts';
export { fileSettings, lookAtHead, unmapped } from './look.ts';
export { type NumberForm, numberFormOf } from './numbers.ts';
export { type Candidate, candidatesFor, type Role } from './roles.ts';
export { type TimeForm, timeExpression, timeFormOf } from './times.ts';
