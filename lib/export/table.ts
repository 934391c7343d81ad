import type { Action } from './actions.ts';
import type { LabelledAnswers } from './label-fields.ts';
import { type ExportFile, FOLDERS, type Format } from './manifest.ts';

/** A task of the effect of a treatment: who gains more than `least` is persuadable. */
export interface ExportedUplift {
  readonly name: string;
  readonly least: number;
}

/** What an export holds for a set of tasks. */
export interface ExportShape {
  /** Yes-or-no tasks, value tasks, uplift tasks, then list tasks, each in the order of their columns. */
  readonly tasks: readonly string[];
  readonly values: readonly string[];
  /** Tasks of the effect of a treatment. */
  readonly uplifts: readonly ExportedUplift[];
  readonly lists: readonly string[];
  /** Those of the list tasks whose entries have reasons. */
  readonly listReasons: readonly string[];
  /** What the shop may do to a user; none in a labelled table. */
  readonly actions: readonly Action[];
  /** Of tables of items: tasks that say how many units are expected. */
  readonly forecasts: readonly string[];
  /** Of a labelled table: the task that tells a class, labels or a number of each row. */
  readonly labelled?: LabelledAnswers | undefined;
  /** Null for labelled tables without a time. */
  readonly asOf: string | null;
  readonly modelVersion: string;
  readonly controlShare: number;
  /** 'user_id', 'row_id' for a labelled table, 'item' or 'category' for what is forecast. */
  readonly id: 'user_id' | 'row_id' | 'item' | 'category';
}

/** Has the table rows of items? They are held out of nothing. */
export const ofItems = ({ id }: Pick<ExportShape, 'id'>): boolean => id === 'item' || id === 'category';

/** One table of the export, such as all users, or the rows of one labelled table. Plain data: workers get it. */
export interface ExportTable {
  /** Name of the table and of its files without their ending. */
  readonly name: string;
  readonly shape: ExportShape;
  /** Tasks whose lists are also written as hashed addresses: `audiences/`. */
  readonly audiences: readonly string[];
  /** Of the objects with the scores, in the order of the ranges of hashes that they hold. */
  readonly scores: readonly string[];
  /** About how many rows there are. */
  readonly likelyRows: number;
}

/** How many users go into a file. */
export interface FileSizes {
  /** A table of as many has one file. */
  readonly one: number;
  /** Of a file where there are several, at most: whoever writes one holds it in memory. */
  readonly ofSeveral: number;
}

export const FILE_SIZES: FileSizes = { one: 1_000_000, ofSeveral: 500_000 };

/** In how many files a table is written: a power of two, with as many shards in each. */
export function partsOf(rows: number, shards: number, sizes: FileSizes): number {
  if (rows <= sizes.one) return 1;
  let parts = 2;
  while (parts < shards && rows / parts > sizes.ofSeveral) parts *= 2;
  return Math.min(parts, shards);
}

/** `users` where there is one part, else `users-000` and so on. */
export const partName = (name: string, part: number, parts: number): string =>
  parts === 1 ? name : `${name}-${String(part).padStart(3, '0')}`;

/** Tasks that rank users: what is told of "each task" of a table follows this order. */
export const rankedTasks = ({
  tasks,
  values,
  uplifts,
}: Pick<ExportShape, 'tasks' | 'values' | 'uplifts'>): string[] => [
  ...tasks,
  ...values,
  ...uplifts.map(({ name }) => name),
];

/** The objects of one part of a table, by format. */
export function objectKeys(
  { formats, asOf, runId }: { formats: readonly Format[]; asOf: string; runId: string },
  table: string,
  name: string,
  below = '',
): Partial<Record<Format, string>> {
  const place = `${below}as_of=${asOf}/run=${runId}`;
  return Object.fromEntries(
    formats.map((format) => [format, `exports/${table}/${FOLDERS[format]}/${place}/${name}.${format}`]),
  );
}

/** Format by format, each from the first part to the last. */
export const inOrder = (formats: readonly Format[], files: readonly ExportFile[]): ExportFile[] =>
  formats.flatMap((format) => files.filter((file) => file.format === format));

/** A tenth of the ranked users is in each. */
export const decileOf = (rank: number, ranked: number): number => Math.floor(((rank - 1) * 10) / ranked) + 1;
