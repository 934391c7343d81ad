import { existsSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import { TextError } from './errors.ts';

export interface ReadTextsOptions {
  /** Columns with texts; each gives texts of its own. Without any, a file that has a single column is read. */
  readonly columns?: readonly string[];
  /** SQL condition (DuckDB) over the file's columns that rows must meet, `row_number` from 0: the training part, say. */
  readonly where?: string | undefined;
}

/**
 * Texts of csv, jsonl and parquet files (gzipped or not), in the files' order; empty ones are left out.
 * @throws TextError when a file or column is missing, or a file cannot be read
 */
export async function readTexts(
  files: readonly string[],
  { columns = [], where }: ReadTextsOptions = {},
): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    autoinstall_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    const texts: string[] = [];
    for (const file of files) {
      if (!existsSync(file)) throw new TextError(`there is no file ${file}`);
      const chosen = columns.length > 0 ? columns : [await onlyColumn(file)];
      const listed = chosen.map((name) => `CAST(${identifier(name)} AS VARCHAR)`).join(', ');
      const condition = where ? ` WHERE ${where}` : '';
      const result = await ask(
        `SELECT ${listed} FROM (SELECT row_number() OVER () - 1 AS row_number, * FROM ${relation(file)})${condition}`,
        file,
      );
      for (const row of result) {
        for (const text of row) if (typeof text === 'string' && text.trim() !== '') texts.push(text);
      }
    }
    return texts;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }

  async function ask(sql: string, file: string): Promise<unknown[][]> {
    try {
      return await (await connection.runAndReadAll(sql)).getRows();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
      throw new TextError(`${file} cannot be read: ${message}`, { cause });
    }
  }

  async function onlyColumn(file: string): Promise<string> {
    const described = await ask(`DESCRIBE SELECT * FROM ${relation(file)}`, file);
    const names = described.map(([name]) => String(name));
    if (names.length === 1) return names[0]!;
    throw new TextError(`${file} has the columns ${names.join(', ')}: say which hold texts`);
  }
}

function relation(file: string): string {
  const name = `'${file.replaceAll("'", "''")}'`;
  const plain = file.toLowerCase().replace(/\.gz$/, '');
  if (plain.endsWith('.parquet')) return `read_parquet(${name})`;
  if (/\.(jsonl|ndjson)$/.test(plain)) return `read_json(${name}, format = 'newline_delimited')`;
  if (plain.endsWith('.csv')) return `read_csv(${name}, header = true, all_varchar = true)`;
  throw new TextError(`${file} is none of csv, jsonl and parquet (or .gz of the first two)`);
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
