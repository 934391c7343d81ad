export { readModelFile } from './file.ts';
export { type ImportOptions, importModel } from './model.ts';
