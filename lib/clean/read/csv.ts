import type { Source } from '../../config/index.ts';
import type { Sql } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import type { Intake } from '../intake/index.ts';
import { type Column, contentOf, hashOf, slotsOf } from './columns.ts';
import { type LoadedText, loadText, type TextShape } from './read-text.ts';

/** What a file holds before anything was added to it. */
export interface Loaded extends LoadedText {
  readonly columns: readonly Column[];
  readonly content: string;
}

/** Loads a csv file. Every column is text. */
export async function readCsv(sql: Sql, intake: Intake, { csv }: Source): Promise<Loaded> {
  const names = intake.header ?? [];
  // An empty file has no columns, and no rows to lose.
  if (names.length === 0) return { columns: [], relation: '', count: 0, stored: 0, content: `''` };
  const { delimiter, quote } = csv;
  const load = async (header: readonly string[], escapedBy = csv.escape ?? quote): Promise<Loaded> => {
    const columns = slotsOf(header);
    const slots = columns.map(({ slot }) => slot);
    const shape: TextShape = {
      columns: slots,
      delimiter,
      quote,
      escape: escapedBy,
      computed: `${hashOf(slots)} AS h`,
    };
    return { columns, content: contentOf(slots), ...(await loadText(sql, intake, shape)) };
  };
  if (intake.ifBackslashEscapes !== undefined) await refuseTwoReadings(intake, names, load);
  const loaded = await load(names);
  if (loaded.count === 0 || loaded.stored > 0) return loaded;
  // No record fits the header: the delimiter at the end of each line, or of the header, opens a field that is none.
  if (names.at(-1)?.trim() === '') {
    const shorter = await load(names.slice(0, -1));
    if (shorter.stored > 0) return shorter;
  }
  const longer = await load([...names, '']);
  const extra = longer.columns.at(-1)!.slot;
  if (longer.stored > 0) {
    const [[filled] = []] = await sql.rows(`SELECT count(${extra}) FROM raw WHERE ${extra} <> ''`);
    if (Number(filled) === 0) return longer;
  }
  return load(names);
}

/**
 * Two readings of a file that differ in the number of records: one of them swallows records in silence. Doubled quotes are
 * what csv asks for, so they are taken for meant where every record fits the columns, and not every one does otherwise.
 */
async function refuseTwoReadings(
  intake: Intake,
  names: readonly string[],
  load: (names: readonly string[], escapedBy?: string) => Promise<Loaded>,
): Promise<void> {
  // A delimiter at the end of the header alone makes it one name longer than the records.
  const headers = names.at(-1)?.trim() === '' ? [names, names.slice(0, -1)] : [names];
  const stored = async (escapedBy?: string) => {
    let most = 0;
    for (const header of headers) {
      try {
        most = Math.max(most, (await load(header, escapedBy)).stored);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
    return most;
  };
  const fits = (await stored()) === intake.records;
  if (fits && (await stored('\\')) !== intake.ifBackslashEscapes) return;
  throw new Refusal(
    `the file holds \\" inside quotes: it has ${intake.records} records if quotes are doubled, and ${intake.ifBackslashEscapes} if a backslash escapes them`,
    `say which it is: csv: { escape: '\\\\' } (Spark, PHP, MySQL) or csv: { escape: '"' }`,
  );
}
