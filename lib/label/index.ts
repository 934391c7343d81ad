export { type LabelFile, labelFile } from './file.ts';
export { type NextRow, type NextRows, nextToLabel } from './next.ts';
