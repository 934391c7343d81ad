import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { canonicalJson } from '../data/index.ts';
import type { ShardScores } from '../models/index.ts';
import {
  explain,
  explainedAt,
  type ObjectStore,
  readJson,
  scratchPrefix,
  temporaryPlace,
} from '../runtime/index.ts';
import { pointDay, showCurrent } from './current.ts';
import { type ExportFile, type ExportManifest, FOLDERS, type Format } from './manifest.ts';
import { appendScores, audienceQuery, createScoreTable, type ExportShape, exportQuery } from './table.ts';

/** One table of the export, such as all users, or the rows of one labelled table. */
export interface ExportTable {
  /** Name of the table and of its files without their ending. */
  readonly name: string;
  readonly shape: ExportShape;
  /** Tasks whose lists are also written as hashed addresses: `audiences/`. */
  readonly audiences: readonly string[];
  readonly shards: () => AsyncIterable<ShardScores>;
}

interface WriteExports {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly asOf: string;
  readonly modelVersion: string;
  readonly formats: readonly Format[];
  readonly tables: readonly ExportTable[];
  /** Opens pseudonyms. */
  readonly idOf: (pseudonym: string) => string;
  readonly now: () => Date;
  /** Called once all files stand: what an export that is done must have done. */
  readonly beforeSuccess?: () => Promise<void>;
  readonly onProgress?: (text: string) => void;
}

/**
 * Writes a run's scores as files for others, one folder a table and format, so that a query engine may take the folder
 * for a table: `exports/<table>/<format>/as_of=D/run=<runId>/`. Then, in this order: the run's manifest and `_SUCCESS`
 * (`exports/as_of=D/<runId>/`), the view `exports/current/`, and the day's pointer `exports/as_of=D/current.json`. A
 * finished export is left as it is. Rows are ranked on disk, so memory stays the same for any number of users.
 * @returns the manifest that stands under the run
 */
export async function writeExports(args: WriteExports): Promise<ExportManifest> {
  const { store, runId, asOf, modelVersion, tables } = args;
  const prefix = `exports/as_of=${asOf}/${runId}`;
  if (!(await store.head(`${prefix}/_SUCCESS`))) {
    const files: ExportFile[] = [];
    let rows = 0;
    let controlRows = 0;
    for (const table of tables) {
      const written = await writeTable(args, table);
      files.push(...written.files);
      rows += written.rows;
      controlRows += written.controlRows;
    }
    const createdAt = args.now().toISOString();
    const manifest: ExportManifest = { runId, asOf, createdAt, modelVersion, rows, controlRows, files };
    await store.put(`${prefix}/manifest.json`, canonicalJson(manifest));
    await args.beforeSuccess?.();
    await store.put(`${prefix}/_SUCCESS`, '');
  }
  const manifest = (await readJson<ExportManifest>(store, `${prefix}/manifest.json`))!;
  // The day's pointer says that an export is done, so it moves last.
  await showCurrent(store, manifest);
  await pointDay(store, `exports/as_of=${asOf}/current.json`, runId);
  return manifest;
}

async function writeTable(
  args: WriteExports,
  { name, shape, audiences, shards }: ExportTable,
): Promise<{ files: ExportFile[]; rows: number; controlRows: number }> {
  const folder = await explainedAt(temporaryPlace(), mkdtemp(join(tmpdir(), scratchPrefix('export'))));
  const instance = await DuckDBInstance.create(join(folder, 'scores.duckdb'), {
    // One thread writes row groups in one order: the same scores give the same bytes.
    threads: '1',
    memory_limit: '512MB',
    temp_directory: join(folder, 'spill'),
  });
  const connection = await instance.connect();
  try {
    await createScoreTable(connection, shape);
    for await (const shard of shards()) {
      // Rows of a labelled table are named by their number, which is no secret.
      await appendScores(connection, shape, shard, shape.id === 'row_id' ? (row) => row : args.idOf);
      args.onProgress?.(`${name}: ${shard.users.length} rows`);
    }
    const place = `as_of=${args.asOf}/run=${args.runId}`;
    const files: ExportFile[] = [];
    for (const format of args.formats) {
      const query = exportQuery(shape, format === 'parquet' ? 'native' : 'json');
      const key = `exports/${name}/${FOLDERS[format]}/${place}/${name}.${format}`;
      files.push({
        key,
        table: name,
        format,
        ...(await writeFile(args, connection, folder, query, key, format)),
      });
    }
    for (const task of audiences) {
      for (const format of args.formats) {
        const key = `exports/audiences/${FOLDERS[format]}/task=${task}/${place}/audience.${format}`;
        const query = audienceQuery(shape, task);
        files.push({
          key,
          table: 'audiences',
          format,
          ...(await writeFile(args, connection, folder, query, key, format)),
        });
      }
    }
    const [rows, controlRows] = await counts(
      connection,
      'SELECT count(*), count(*) FILTER (control) FROM scores',
    );
    return { files, rows: rows!, controlRows: controlRows! };
  } catch (error) {
    throw explain(error, temporaryPlace()) ?? error;
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Writes what a query gives as one file of the bucket. */
async function writeFile(
  { store }: WriteExports,
  connection: DuckDBConnection,
  folder: string,
  query: string,
  key: string,
  format: Format,
): Promise<Pick<ExportFile, 'rows' | 'bytes' | 'sha256'>> {
  const local = join(folder, `out.${format}`);
  if (format === 'parquet') {
    await connection.run(`COPY (${query}) TO '${local}' (FORMAT parquet, COMPRESSION zstd)`);
  } else {
    const plain = join(folder, 'out.csv');
    await connection.run(`COPY (${query}) TO '${plain}' (FORMAT csv, HEADER)`);
    await pipeline(createReadStream(plain), createGzip({ level: 6 }), createWriteStream(local));
  }
  await store.put(key, createReadStream(local));
  const [rows] = await counts(connection, `SELECT count(*) FROM (${query})`);
  return { rows: rows!, bytes: (await stat(local)).size, sha256: await fileHash(local) };
}

async function counts(connection: DuckDBConnection, query: string): Promise<number[]> {
  const result = await connection.runAndReadAll(query);
  return result.getRows()[0]!.map(Number);
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
