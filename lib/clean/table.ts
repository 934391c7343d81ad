/** What the columns of an Arrow file may be. */
export type CellType = 'text' | 'double' | 'int64' | 'int32' | 'uint8' | 'uint16' | 'instant';

/** A column of a canonical table: how DuckDB computes it from the judged stage and how Arrow stores it. */
export interface Output {
  readonly name: string;
  readonly sql: string;
  readonly type: CellType;
  readonly nullable: boolean;
  /** Of attributes; told in the field's metadata as `nightjar.kind`. */
  readonly kind?: 'number' | 'category' | 'text';
}

/** A reason to quarantine a row. The first that holds is the row's reason. */
export interface Check {
  /** Which setting of the source it is about. */
  readonly column: string;
  /** What the quality record counts by. */
  readonly kind: string;
  /** Condition over the canonical stage. */
  readonly when: string;
  /** SQL text over the canonical stage: the reason with its value. */
  readonly reason: string;
}

/** A condition over the canonical columns that marks rows without removing them. */
export interface Flag {
  readonly name: string;
  readonly when: string;
}

/** How a source's drops become one canonical table: SQL text, no rows yet. */
export interface TablePlan {
  /** Expressions of the evaluating stage, each with its alias. */
  readonly evaluated: readonly string[];
  /**
   * The stages behind it, each a list of `expression AS name` over all columns before. Several, because DuckDB plans a
   * value once where a stage names it, and as often as it is mentioned within one.
   */
  readonly stages: readonly (readonly string[])[];
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
}
