export {
  championOf,
  hasModel,
  type ModelFiles,
  promote,
  putModel,
  readModelFile,
  readModelFiles,
} from './registry.ts';
