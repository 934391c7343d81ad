import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ROOT } from './home.ts';

export const EXAMPLES = join(ROOT, 'examples');

/** Where an installed package keeps what belongs to an example: below the folder that it is called in. */
export const exampleHome = (name: string): string => resolve('.nightjar/examples', name);

/**
 * The folder with an example's drops, one folder for each source. In a checkout they lie beside its config. A package
 * carries them as one file for each source, a third of their size, and lays them out in `exampleHome` at first use.
 * @returns undefined where the example brings none
 */
export async function exampleDrops(name: string): Promise<string | undefined> {
  const drops = join(EXAMPLES, name, 'drops');
  if (!existsSync(drops)) return undefined;
  const packed = (await readdir(drops)).some((file) => file.endsWith('.parquet'));
  if (!packed) return drops;
  const folder = join(exampleHome(name), 'drops');
  if (!existsSync(folder)) await unpackDrops(drops, folder);
  return folder;
}

/**
 * Writes the csv files of each folder below `from` into one parquet file below `to`. Cells stay the text that they are;
 * `file` says which file a line came from, and lines stay in order.
 */
export async function packDrops(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const sources = await readdir(from);
  await withDuckDb(async (sql) => {
    for (const source of sources) {
      await sql.run(
        `COPY (SELECT * REPLACE (parse_filename(file) AS file) FROM read_csv(${text(join(from, source, '*.csv.gz'))}, all_varchar = true, header = true, filename = 'file'))
         TO ${text(join(to, `${source}.parquet`))} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 19, ROW_GROUP_SIZE 1000000)`,
      );
    }
  });
}

/** The files again, below `to`: whole or not at all. */
async function unpackDrops(from: string, to: string): Promise<void> {
  const part = `${to}.part`;
  await rm(part, { recursive: true, force: true });
  const sources = (await readdir(from)).map((name) => name.replace(/\.parquet$/, ''));
  await withDuckDb(async (sql) => {
    for (const source of sources) {
      await mkdir(join(part, source), { recursive: true });
      await sql.run(`CREATE OR REPLACE TABLE lines AS FROM ${text(join(from, `${source}.parquet`))}`);
      const files = await sql.runAndReadAll('SELECT DISTINCT file FROM lines ORDER BY file');
      for (const [file] of files.getRowsJS()) {
        await sql.run(
          `COPY (SELECT * EXCLUDE file FROM lines WHERE file = ${text(String(file))}) TO ${text(join(part, source, String(file)))} (FORMAT csv, HEADER, COMPRESSION gzip)`,
        );
      }
    }
  });
  await rename(part, to);
}

/** One thread: lines keep their order, and the same lines give the same bytes. */
async function withDuckDb(work: (sql: DuckDBConnection) => Promise<void>): Promise<void> {
  const sql = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  try {
    await work(sql);
  } finally {
    sql.closeSync();
  }
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
