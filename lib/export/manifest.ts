/** Formats by the name of their folder. */
export const FOLDERS = { parquet: 'parquet', 'csv.gz': 'csv' } as const;
/** What a file of an export is written as. */
export type Format = keyof typeof FOLDERS;

export interface ExportFile {
  /** In the bucket: `exports/<table>/<folder of the format>/…`. */
  readonly key: string;
  readonly table: string;
  readonly format: Format;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** `manifest.json` of a run: what its files hold, so that a reader can check that nothing is missing. */
export interface ExportManifest {
  readonly runId: string;
  readonly asOf: string;
  readonly createdAt: string;
  readonly modelVersion: string;
  /** Of all tables; audiences repeat rows of theirs and are not counted. */
  readonly rows: number;
  readonly controlRows: number;
  readonly files: ExportFile[];
}
