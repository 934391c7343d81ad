import type { AudienceValidation } from '../models/index.ts';

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

/** A segment of buyers by its centre. */
export interface SegmentSummary {
  /** The same night after night. */
  readonly segment: number;
  readonly users: number;
  /** The centre in words. */
  readonly description: string;
  /** Of a user at the centre: days since the last purchase, days with one, money of all in major units. */
  readonly recencyDays: number;
  readonly purchaseDays: number;
  readonly money: number;
}

/** What the table of profiles holds. */
export interface ProfilesSummary {
  readonly users: number;
  readonly buyers: number;
  /** Users by lifecycle. */
  readonly lifecycle: Readonly<Record<string, number>>;
  /** How well the segments are told apart, from -1 to 1; absent without segments. */
  readonly silhouette?: number;
  /** Ascending; none where there are too few buyers. */
  readonly segments: readonly SegmentSummary[];
}

/** Who is likely to do something, and what to expect of it. */
export interface AudienceSummary {
  readonly name: string;
  readonly task: string;
  /** Of a list task: the item, or the value of its attribute. */
  readonly value?: string;
  /** Users in it, and those of them in the control group. */
  readonly users: number;
  readonly controlUsers: number;
  /** The lowest probability in it, and the mean: the share that is expected to do it. Absent without users. */
  readonly lowest?: number;
  readonly expected?: number;
  /** Whom its rule would have picked on a past day that the fit was kept from, and what they did. */
  readonly validation?: AudienceValidation;
  /** Why it has no file, or holds fewer than it might. */
  readonly why?: string;
}

/** What was looked at before an export was shown. */
export interface NightWatch {
  /** Shop days whose events were compared with such days before, 'YYYY-MM-DD'. */
  readonly days: readonly string[];
  /** What is unlike them, one sentence each. */
  readonly unusual: readonly string[];
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
  /** Where the export has profiles. They repeat the users and are not counted in `rows`. */
  readonly profiles?: ProfilesSummary;
  /** Where `exports.audiences` names some, by name. They repeat users and are not counted in `rows`. */
  readonly audiences?: readonly AudienceSummary[];
  /** Absent where no user was scored. */
  readonly watch?: NightWatch;
}
