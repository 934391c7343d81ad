export { serveSteps } from './crew.ts';
export { CURRENT_VIEW, releaseExport } from './current.ts';
export { exportRun, modelVersion, type Workers } from './export-run.ts';
export type { ExportManifest } from './manifest.ts';
export { withoutUsers } from './without-users.ts';
