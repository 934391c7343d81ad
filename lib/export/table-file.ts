import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ObjectStore } from '../runtime/index.ts';
import { CsvWriter } from './csv.ts';
import type { ExportFile, Format } from './manifest.ts';

/** A column of an exported table, in the order of the fields of a record. */
export interface Column {
  readonly name: string;
  readonly type: 'VARCHAR' | 'DATE' | 'BOOLEAN' | 'DOUBLE' | 'INTEGER';
  /** What a reader must know of it, as docs/exports.md says it. */
  readonly means: string;
  /** JSON text of a list of named values, or of reasons of entries: a list of structs where a format has them. */
  readonly list?: keyof typeof LISTS;
}

interface TableFile {
  readonly store: ObjectStore;
  /** Holds what is not yet in the bucket; nothing of it is left. */
  readonly folder: string;
  readonly table: string;
  readonly columns: readonly Column[];
  /** A name for the files in the folder. */
  readonly name: string;
  /** The objects to write, one for each format. */
  readonly keys: Partial<Readonly<Record<Format, string>>>;
  readonly rows: number;
  /** In CSV, put an apostrophe before a text that a spreadsheet would take for a formula. */
  readonly guardFormulas: boolean;
  /** Writes the records, and may yield after each of them; called once more where some are to be guarded. */
  readonly records: (csv: CsvWriter) => Iterable<void>;
}

const INPUT_OF_PARQUET = `header = true, auto_detect = false, delim = ',', quote = '"', escape = '"',
  new_line = '\\n', allow_quoted_nulls = false`;

const MEBIBYTE = 2 ** 20;

/** What a list holds, as DuckDB reads it. */
export const LISTS = {
  values: { name: 'VARCHAR', value: 'DOUBLE' },
  reasons: {
    ...{ name: 'VARCHAR', reason: 'VARCHAR', event: 'VARCHAR', times: 'DOUBLE', days: 'INTEGER' },
    ...{ other: 'VARCHAR', words: 'VARCHAR' },
  },
} as const;

/**
 * Writes one table as an object a format. Objects that stand are left as they are: what they hold is a function of the
 * records, and whoever was killed had written them whole.
 */
export async function writeTableFile(file: TableFile): Promise<ExportFile[]> {
  const { store, table, keys, rows } = file;
  const files: ExportFile[] = [];
  const missing: [Format, string][] = [];
  for (const [format, key] of Object.entries(keys) as [Format, string][]) {
    if (await store.head(key)) {
      const { info, body } = await store.get(key);
      files.push({ key, table, format, rows, bytes: info.size, sha256: await hashOf(body) });
    } else missing.push([format, key]);
  }
  if (missing.length > 0) files.push(...(await writeFormats(file, Object.fromEntries(missing))));
  return files;
}

async function writeFormats(
  file: TableFile,
  keys: Partial<Readonly<Record<Format, string>>>,
): Promise<ExportFile[]> {
  const { store, folder, table, name, rows } = file;
  const plain = join(folder, `${name}.csv`);
  const local: Readonly<Record<Format, string>> = {
    parquet: join(folder, `${name}.parquet`),
    'csv.gz': join(folder, `${name}.csv.gz`),
  };
  try {
    const csv = new CsvWriter();
    const source = keys.parquet === undefined ? chunks(file, csv) : copied(chunks(file, csv), plain);
    if (keys['csv.gz'] === undefined) await pipeline(source, nowhere());
    else await pipeline(source, createGzip({ level: 6 }), createWriteStream(local['csv.gz']));
    // Parquet is made of the plain records. Only where one of them holds a formula, which is rare, are there two texts of them.
    if (keys['csv.gz'] !== undefined && file.guardFormulas && csv.formulas > 0) {
      const guarded = chunks(file, new CsvWriter({ guarded: true }));
      await pipeline(guarded, createGzip({ level: 6 }), createWriteStream(local['csv.gz']));
    }
    if (keys.parquet !== undefined) await toParquet(file.columns, plain, csv.longest, local.parquet);
    const written: ExportFile[] = [];
    for (const [format, key] of Object.entries(keys) as [Format, string][]) {
      const path = local[format];
      await store.put(key, createReadStream(path));
      const sha256 = await hashOf(createReadStream(path));
      written.push({ key, table, format, rows, bytes: (await stat(path)).size, sha256 });
    }
    return written;
  } finally {
    for (const path of [plain, ...Object.values(local)]) await rm(path, { force: true });
  }
}

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** SHA-256 of some bytes, 64 hex digits. */
export async function hashOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}

function* chunks({ columns, records }: TableFile, csv: CsvWriter): Generator<Buffer> {
  for (const { name } of columns) csv.text(name);
  csv.end();
  for (const _ of records(csv)) if (csv.isFull) yield csv.take();
  yield csv.take();
}

async function* copied(source: Iterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  const copy = await open(path, 'w');
  try {
    for (const chunk of source) {
      await copy.appendFile(chunk);
      yield chunk;
    }
  } finally {
    await copy.close();
  }
}

async function toParquet(
  columns: readonly Column[],
  csv: string,
  longest: number,
  parquet: string,
): Promise<void> {
  // One thread writes row groups in one order: the same records give the same bytes.
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
  const connection = await instance.connect();
  try {
    const types = columns.map(({ name, type }) => `${literal(name)}: '${type}'`).join(', ');
    const selected = columns.map(({ name, list }) => {
      const quoted = `"${name.replaceAll('"', '""')}"`;
      return list ? `from_json(${quoted}, '${JSON.stringify([LISTS[list]])}') AS ${quoted}` : quoted;
    });
    const source = `read_csv(${literal(csv)}, ${INPUT_OF_PARQUET}, max_line_size = ${Math.max(MEBIBYTE, longest)}, columns = {${types}})`;
    await connection.run(
      `COPY (SELECT ${selected.join(', ')} FROM ${source}) TO ${literal(parquet)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A text as an SQL constant. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
