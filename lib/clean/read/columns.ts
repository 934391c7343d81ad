import { quoteText } from '../duckdb/index.ts';
import type { Refusal } from '../errors.ts';

/**
 * A column of a drop. Inside DuckDB it goes by its slot: names of a file are data, never names in SQL, so they may be doubled,
 * empty or anything else, and none of them can mean something of ours.
 */
export interface Column {
  /** As the file has it. */
  readonly name: string;
  readonly type: string;
  /** Name of the column in the relation of records. */
  readonly slot: string;
  /** Why no expression may read it. */
  readonly unreadable?: Refusal;
  /** Of lines of JSON: SQL condition that the value is a number there. */
  readonly jsonNumber?: string;
}

/** A drop inside DuckDB, as records. */
export interface Records {
  readonly columns: readonly Column[];
  /** What mappings may read beside the columns of the file. */
  readonly given: readonly Column[];
  /**
   * A FROM item with `n` (0-based number of the record in the file), `e` (0-based number of the row within the record, 0 where
   * records are not cut into several), `line` (its text, where kept), `broken` (why it could not be read, or NULL), `h` (hash
   * of all columns of the file) and the slots.
   */
  readonly relation: string;
  /** Records in the file. */
  readonly records: number;
  /** Rows that came of them. */
  readonly rows: number;
  /** SQL text over the relation that is equal for equal rows of the file, and different for different ones. */
  readonly content: string;
  /** SQL over the relation: a row as it stands in the file, for the quarantine. */
  readonly text: string;
}

/** The slots of a file's columns: c0, c1, … */
export function slotsOf(names: readonly string[], type = 'VARCHAR'): Column[] {
  return names.map((name, i) => ({ name, type, slot: `c${i}` }));
}

/** SQL of a hash over all columns; constant where there are none. */
export function hashOf(slots: readonly string[]): string {
  return slots.length === 0 ? '0::UBIGINT' : `hash(${slots.join(', ')})`;
}

/** SQL text of all columns, each set apart from the next. */
export function contentOf(slots: readonly string[]): string {
  return slots.length === 0
    ? `''`
    : `to_json([${slots.map((slot) => `(${slot})::VARCHAR`).join(', ')}])::VARCHAR`;
}

/** What a drop's key tells: its own name, and the partitions that Hive and Spark write into paths (day=2024-05-01/). */
export interface KeyFacts {
  readonly key: string;
  readonly fileName: string;
  readonly partitions: ReadonlyMap<string, string | null>;
}

const HIVE_NULL = '__HIVE_DEFAULT_PARTITION__';

/** @param prefix of the source, with `drop/` in front; partitions stand behind it */
export function keyFacts(key: string, prefix: string): KeyFacts {
  const parts = (key.startsWith(prefix) ? key.slice(prefix.length) : key).split('/');
  const fileName = parts.pop() ?? '';
  const partitions = new Map<string, string | null>();
  for (const part of parts) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    if (name !== undefined && value !== undefined) {
      partitions.set(unescaped(name), value === HIVE_NULL ? null : unescaped(value));
    }
  }
  return { key, fileName, partitions };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The given columns, and the SQL list that gives them their slots. */
export function givenColumns({ key, fileName, partitions }: KeyFacts): { given: Column[]; select: string[] } {
  const values: [string, string, string][] = [
    ['row_number', 'BIGINT', 'n'],
    ['file_name', 'VARCHAR', quoteText(fileName)],
    ['key', 'VARCHAR', quoteText(key)],
    ...[...partitions].map(([name, value]): [string, string, string] => [
      name,
      'VARCHAR',
      value === null ? 'NULL::VARCHAR' : quoteText(value),
    ]),
  ];
  return {
    given: values.map(([name, type], i) => ({ name, type, slot: `g${i}` })),
    select: values.map(([, , sql], i) => `${sql} AS g${i}`),
  };
}
