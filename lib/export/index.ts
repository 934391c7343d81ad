export { type ExportFile, type ExportManifest, type ExportTable, writeExports } from './export.ts';
export type { ExportShape } from './table.ts';
export { exportRun, modelVersion } from './export-run.ts';
