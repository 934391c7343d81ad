export {
  championOf,
  championRun,
  hasModel,
  type ModelFiles,
  promote,
  putModel,
  readModelFile,
  readModelFiles,
} from './registry.ts';
