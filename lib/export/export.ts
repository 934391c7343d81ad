import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { canonicalJson } from '../data/index.ts';
import {
  explain,
  explainedAt,
  type ObjectStore,
  readJson,
  scratchPrefix,
  temporaryPlace,
} from '../runtime/index.ts';
import type { ShardScores } from '../score/index.ts';
import { appendScores, createScoreTable, type ExportShape, exportQuery } from './table.ts';

export interface ExportFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** `manifest.json` beside the files: what they hold, so that a reader can check that nothing is missing. */
export interface ExportManifest {
  readonly runId: string;
  readonly asOf: string;
  readonly createdAt: string;
  readonly modelVersion: string;
  readonly rows: number;
  readonly controlRows: number;
  readonly files: ExportFile[];
}

/** One table of the export, such as all users, or the rows of one labelled table. */
export interface ExportTable {
  /** File name without its ending. */
  readonly name: string;
  readonly shape: ExportShape;
  readonly shards: () => AsyncIterable<ShardScores>;
}

/**
 * Writes a run's scores as files for others: `exports/as_of=D/<runId>/`, the manifest after the files, `_SUCCESS`
 * last, then the pointer `exports/as_of=D/current.json`. A finished export is left as it is. Rows are ranked on disk,
 * so memory stays the same for any number of users.
 * @param idOf opens pseudonyms
 * @returns the manifest that stands under the run
 */
export async function writeExports(args: {
  store: ObjectStore;
  runId: string;
  asOf: string;
  modelVersion: string;
  formats: readonly ('parquet' | 'csv.gz')[];
  tables: readonly ExportTable[];
  idOf: (pseudonym: string) => string;
  now: () => Date;
  /** Called once all files stand: what an export that is done must have done. */
  beforeSuccess?: () => Promise<void>;
  onProgress?: (text: string) => void;
}): Promise<ExportManifest> {
  const { store, runId, asOf, modelVersion, formats, tables } = args;
  const prefix = `exports/as_of=${asOf}/${runId}`;
  if (!(await store.head(`${prefix}/_SUCCESS`))) {
    const files: ExportFile[] = [];
    let rows = 0;
    let controlRows = 0;
    for (const table of tables) {
      const written = await writeTable(args, prefix, table, formats);
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
  await point(store, `exports/as_of=${asOf}/current.json`, runId);
  return (await readJson<ExportManifest>(store, `${prefix}/manifest.json`))!;
}

async function writeTable(
  args: Parameters<typeof writeExports>[0],
  prefix: string,
  { name, shape, shards }: ExportTable,
  formats: readonly ('parquet' | 'csv.gz')[],
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
    const files: ExportFile[] = [];
    for (const format of formats) {
      const local = join(folder, `${name}.${format}`);
      if (format === 'parquet') {
        await connection.run(
          `COPY (${exportQuery(shape, 'native')}) TO '${local}' (FORMAT parquet, COMPRESSION zstd)`,
        );
      } else {
        const plain = join(folder, `${name}.csv`);
        await connection.run(`COPY (${exportQuery(shape, 'json')}) TO '${plain}' (FORMAT csv, HEADER)`);
        await pipeline(createReadStream(plain), createGzip({ level: 6 }), createWriteStream(local));
      }
      await args.store.put(`${prefix}/${name}.${format}`, createReadStream(local));
      files.push({
        name: `${name}.${format}`,
        bytes: (await stat(local)).size,
        sha256: await fileHash(local),
      });
    }
    const counted = await connection.runAndReadAll(
      'SELECT count(*)::INTEGER, (count(*) FILTER (control))::INTEGER FROM scores',
    );
    const [rows, controlRows] = counted.getRows()[0]!;
    return { files, rows: Number(rows), controlRows: Number(controlRows) };
  } catch (error) {
    throw explain(error, temporaryPlace()) ?? error;
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** Moves the pointer; when another process moved it meanwhile, looks again. */
async function point(store: ObjectStore, key: string, runId: string): Promise<void> {
  for (;;) {
    const current = await store.head(key);
    const body = canonicalJson({ runId });
    const result = await store.put(key, body, current ? { ifMatch: current.etag } : { ifAbsent: true });
    if (result.written) return;
  }
}
