export { labelFile } from './file.ts';
export { type NextRows, nextToLabel } from './next.ts';
