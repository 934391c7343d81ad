export { CURRENT_VIEW } from './current.ts';
export { type ExportFile, type ExportManifest, type ExportTable, writeExports } from './export.ts';
export { exportRun, modelVersion } from './export-run.ts';
export type { ExportShape } from './table.ts';
