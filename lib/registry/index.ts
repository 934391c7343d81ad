export {
  championOf,
  type ModelFiles,
  promote,
  putModel,
  readModelFile,
  readModelFiles,
  versionOf,
} from './registry.ts';
