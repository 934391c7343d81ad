import { Refusal } from '../errors.ts';
import type { Column } from '../read/index.ts';
import { missingColumn, quoteNames } from './missing-column.ts';

/** What the names in an expression may mean. */
export interface Scope {
  /** What has the columns, for messages; default: the file. */
  readonly of?: string;
  /** Of the file. */
  readonly columns: readonly Column[];
  /** What stands beside them, such as `row_number`; a column of the file of that name comes first. */
  readonly given: readonly Column[];
  /** Columns that the config says some files lack: NULL there. */
  readonly optional: readonly string[];
}

/** A column that a file lacks and may lack. */
export const ABSENT = 'NULL::VARCHAR';

/**
 * The column that a name in an expression means. The name as it is written comes first; else case, blanks around it and the
 * Unicode form of its letters do not matter.
 * @param exact the name was written in quotes
 * @param by the setting, for messages
 * @throws Refusal for a name that means no column, or several, or one that cannot be read rightly
 */
export function columnOf(scope: Scope, name: string, exact: boolean, by: string): Column {
  const found = find(scope.columns, name, exact, by) ?? find(scope.given, name, false, by);
  if (found?.unreadable) throw found.unreadable;
  if (found) return found;
  if (scope.optional.some((one) => loose(one) === loose(name))) {
    return { name, type: 'VARCHAR', slot: ABSENT };
  }
  throw missingColumn(
    name,
    by,
    scope.columns.map((column) => column.name),
    scope.of,
  );
}

function find(columns: readonly Column[], name: string, exact: boolean, by: string): Column | undefined {
  const same = columns.filter((column) => column.name === name);
  const alike = columns.filter((column) => loose(column.name) === loose(name));
  const meant = same.length > 0 && (exact || alike.length === same.length) ? same : alike;
  if (meant.length < 2) return meant[0];
  const spellings = [...new Set(meant.map((column) => column.name))];
  if (spellings.length === 1) {
    throw new Refusal(
      `the file has ${meant.length} columns named "${spellings[0]}", and ${by} needs one of them`,
      'name the columns yourself: csv.columns, with csv.skipLines: 1 for the header line',
    );
  }
  throw new Refusal(
    `the file has the columns ${quoteNames(spellings)}, and ${by} does not say which it means`,
    `write the name as it is in the file, in quotes: '"${spellings[0]}"'; or take the first that is filled: coalesce("${spellings.join('", "')}")`,
  );
}

/** Names that differ in this form alone mean the same column unless they stand in quotes. */
export function loose(name: string): string {
  return name.trim().normalize('NFC').toLowerCase();
}
