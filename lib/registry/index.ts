export {
  type Champion,
  championOf,
  championRun,
  championsOf,
  promote,
  promoteByHand,
  rollBack,
} from './champions.ts';
export { hasModel, type ModelFiles, putModel, readModelFile, readModelFiles } from './registry.ts';
export { type Figure, putVersion, readVersions, type VersionRecord } from './versions.ts';
