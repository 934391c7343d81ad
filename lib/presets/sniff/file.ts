import { writeFile } from 'node:fs/promises';
import { type Head, headOf, quoteText, type Sql, withConnection } from '../../clean/index.ts';
import { DataError } from '../../data/index.ts';

/** How a csv file is written. */
export interface CsvDialect {
  readonly delimiter: string;
  readonly quote: string;
  /** Set where a backslash stands before quotes inside fields. */
  readonly escape?: string;
  readonly skipLines: number;
  /** Where the file has no header line: column_1, column_2, … */
  readonly columns?: readonly string[];
}

/** What a file is, by its beginning. */
export interface SniffedFile {
  readonly head: Head;
  readonly format: 'csv' | 'jsonl' | 'parquet';
  readonly csv?: CsvDialect;
}

/**
 * Says what a file is and how it is written, by its bytes alone.
 * @param scratch where its head may lie: the beginning of a path
 * @throws DataError where it holds nothing to go by, Refusal where no reader could use it
 */
export async function sniffFile(file: string, scratch: string): Promise<SniffedFile> {
  const head = await headOf(file, `${scratch}-head`);
  if (head.parquet) return { head, format: 'parquet' };
  if (head.text.trim() === '') {
    throw new DataError(`${file} is empty: give a file with rows, from which the config can be made`);
  }
  if (/^\s*\{/.test(head.text)) return { head, format: 'jsonl' };
  if (/^\s*\[\s*[{\]]/.test(head.text)) {
    throw new DataError(
      `${file} is one JSON list, and is read as lines: write one object a line, jq -c ".[]" ${file} > lines.jsonl`,
    );
  }
  return { head, format: 'csv', csv: await withConnection({ threads: 1 }, (sql) => dialectOf(sql, head)) };
}

/** Excel's first line names the delimiter, and is no line of the file. */
const SEP = /^sep=(.)\r?\n/i;

/** What DuckDB's sniffer makes of the head. Where it finds no csv at all, a comma and double quotes are tried. */
async function dialectOf(sql: Sql, { path, text }: Head): Promise<CsvDialect> {
  const stated = SEP.exec(text)?.[1];
  // The reader takes that line off by itself.
  if (stated !== undefined) await writeFile(`${path}.rest`, text.replace(SEP, ''));
  const sniffed = await sniff(sql, stated === undefined ? path : `${path}.rest`, stated);
  const {
    delimiter = stated ?? ',',
    quote,
    escape: before,
    skipLines = 0,
    hasHeader = true,
    names = [],
  } = sniffed;
  return {
    delimiter,
    quote: quote || '"',
    ...(before === '\\' && /\\"/.test(text) && { escape: before }),
    skipLines: Math.max(
      skipLines,
      titleLines(stated === undefined ? text : text.replace(SEP, ''), delimiter),
    ),
    ...(!hasHeader && { columns: names.map((_, i) => `column_${i + 1}`) }),
  };
}

/** Lines of the beginning that are looked at. */
const BEGINNING = 30;

/** Lines before the header that a spreadsheet has filled up with delimiters: most of their fields are empty. */
function titleLines(text: string, delimiter: string): number {
  const filled = text
    .split(/\r?\n/, BEGINNING)
    .map((line) => line.split(delimiter).filter((field) => field.trim() !== '').length);
  const most = Math.max(...filled);
  const first = filled.findIndex((count) => count > most / 2);
  return most > 2 && first > 0 ? first : 0;
}

interface DuckDbDialect {
  readonly delimiter?: string;
  readonly quote?: string;
  readonly escape?: string;
  readonly skipLines?: number;
  readonly hasHeader?: boolean;
  readonly names?: readonly string[];
}

async function sniff(sql: Sql, path: string, delimiter: string | undefined): Promise<DuckDbDialect> {
  const stated = delimiter === undefined ? '' : `, delim = ${quoteText(delimiter)}`;
  try {
    const [row = []] = await sql.rows(
      `SELECT Delimiter, Quote, Escape, SkipRows, HasHeader, to_json(list_transform(Columns, lambda one: one.name))
       FROM sniff_csv(${quoteText(path)}, sample_size = 20480${stated})`,
    );
    const sign = (value: unknown) => (value === '(empty)' ? '' : String(value));
    return {
      delimiter: sign(row[0]),
      quote: sign(row[1]),
      escape: sign(row[2]),
      skipLines: Number(row[3]),
      hasHeader: row[4] === true,
      names: JSON.parse(String(row[5])),
    };
  } catch {
    return {};
  }
}
