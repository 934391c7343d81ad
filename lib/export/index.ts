export { CURRENT_VIEW } from './current.ts';

export { exportRun, modelVersion } from './export-run.ts';
export type { ExportManifest } from './manifest.ts';
