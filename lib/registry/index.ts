export { championOf, type ModelFiles, promote, putModel, readModelFile, versionOf } from './registry.ts';
