export {
  championOf,
  hasModel,
  type ModelFiles,
  promote,
  putModel,
  readModelFile,
  readModelFiles,
  versionOf,
} from './registry.ts';
