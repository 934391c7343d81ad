import type { CellType } from '../duckdb/index.ts';
import type { Column } from '../read/index.ts';

/** A column of a canonical table: how DuckDB computes it from the judged stage and how Arrow stores it. */
export interface Output {
  readonly name: string;
  readonly sql: string;
  readonly type: CellType;
  readonly nullable: boolean;
  /** Of attributes; told in the field's metadata as `nightjar.kind`. */
  readonly kind?: 'number' | 'category' | 'text';
  /** An id of a user beside the row's own: stored as its pseudonym. */
  readonly sealed?: true;
}

/** SQL of a text column that no row has: it is neither stored nor sorted by on the way. */
export const NO_TEXT = 'NULL::VARCHAR';

/** A reason to quarantine a row. The first that holds is the row's reason. */
export interface Check {
  /** Which setting of the source it is about. */
  readonly column: string;
  /** What the quality record counts by. */
  readonly kind: string;
  /** Condition over the canonical stage. */
  readonly when: string;
  /** The reason, with `$` where the value stands that it is about. */
  readonly reason: string;
  /** SQL of that value, over the canonical stage; shown in quotes. */
  readonly value?: string;
  /** The value is a text for people already: no quotes. */
  readonly plain?: true;
}

/** Stands in a reason for the value that it is about. */
export const VALUE = '$';

/** A condition over the canonical columns that marks rows without removing them. */
export interface Flag {
  readonly name: string;
  readonly when: string;
}

/** Rows that the config says are none of the table: left out, and counted by this name. */
export interface LeftOut {
  readonly name: string;
  readonly when: string;
}

/** The columns of a canonical table, before rules and whatever all tables share are added. */
export interface TableColumns {
  /** Each a list of `expression AS name` over all columns before. */
  readonly stages: readonly (readonly string[])[];
  readonly checks: readonly Check[];
  readonly outputs: readonly Output[];
  /** What rules may read. */
  readonly canonical: readonly Column[];
  /** Names of outputs in sorting order, behind the subject. */
  readonly order: readonly string[];
  readonly subject: TablePlan['subject'];
}

/** How a source's drops become one canonical table: SQL text, no rows yet. */
export interface TablePlan {
  /** Slots of the records that expressions read: a file may have thousands of others. */
  readonly reads: readonly string[];
  /** Expressions of the evaluating stage, each with its alias. */
  readonly evaluated: readonly string[];
  /**
   * The stages behind it, each a list of `expression AS name` over all columns before. Several, because DuckDB plans a
   * value once where a stage names it, and as often as it is mentioned within one.
   */
  readonly stages: readonly (readonly string[])[];
  readonly leftOut: readonly LeftOut[];
  readonly checks: readonly Check[];
  readonly flags: readonly Flag[];
  readonly outputs: readonly Output[];
  /** Names of outputs in sorting order, behind the subject. */
  readonly order: readonly string[];
  /**
   * Whose hash shards the rows: `user` (written as pseudonym and hash), `row` (hash of the row's number) or nobody (one
   * batch).
   */
  readonly subject: 'user' | 'row' | 'none';
  /** SQL of the hash of a row's key, where the source names one. */
  readonly keyHash?: string;
  /**
   * Where rows that are left out are versions of their events all the same: what such a row must pass, so that it is known
   * whose event it is, of which day, and how new.
   */
  readonly withdraws?: readonly Check[];
  /** Columns that may be absent and are. */
  readonly absent: readonly string[];
  /** What the mapping reads of the drop's key: names of given columns. */
  readonly fromKey: readonly string[];
}

/** Stages of several columns, side by side: the n-th stage of each in the n-th of all. */
export function zipStages(columns: readonly (readonly (readonly string[])[])[]): string[][] {
  const depth = Math.max(0, ...columns.map((stages) => stages.length));
  return Array.from({ length: depth }, (_, level) => columns.flatMap((stages) => stages[level] ?? []));
}
