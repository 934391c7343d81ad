import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBMaterializedResult } from '@duckdb/node-api';
import { scratchPrefix } from '../../runtime/index.ts';
import { Refusal } from '../errors.ts';
import { addFunctions } from './functions.ts';

export interface EngineOptions {
  /** Threads of DuckDB; the rows come out the same with any number. Default 2. */
  readonly threads?: number;
  /** As DuckDB writes it, for example '4GB'. Default: DuckDB's own, 80 % of the machine. */
  readonly memoryLimit?: string;
}

/** Of the memory, what DuckDB may take; the rest is for rows on their way into files, and for Node itself. */
const ENGINE_SHARE = 0.5;
/** More threads hold more row groups at once and clean no faster. */
const MOST_THREADS = 4;

/**
 * Options for a machine of a known size: beyond its share of the memory DuckDB writes to the temp folder.
 * @param mebibytes memory of the function or container; not a number: DuckDB asks the machine
 */
export function engineWithin(mebibytes: number, processors: number): EngineOptions {
  const threads = Math.min(processors, MOST_THREADS);
  if (!(mebibytes > 0)) return { threads };
  return { threads, memoryLimit: `${Math.floor(mebibytes * ENGINE_SHARE)}MiB` };
}

/** Opening DuckDB takes longer than cleaning a small drop, so a process opens it once per set of options. */
const instances = new Map<string, Promise<DuckDBInstance>>();

/** Runs `work` with a connection of its own: temp tables and the time zone belong to it alone. */
export async function withConnection<T>(options: EngineOptions, work: (sql: Sql) => Promise<T>): Promise<T> {
  const key = JSON.stringify([options.threads ?? 2, options.memoryLimit ?? '']);
  let instance = instances.get(key);
  if (!instance) {
    instance = openInstance(options);
    instances.set(key, instance);
    instance.catch(() => instances.delete(key));
  }
  const connection = await (await instance).connect();
  try {
    return await work(new Sql(connection));
  } catch (error) {
    // After such an error the whole instance answers nothing any more: the next drop opens a new one.
    if (/^(internal|fatal) error|database has been invalidated/i.test(duckDbMessage(error))) {
      instances.delete(key);
    }
    throw error;
  } finally {
    connection.closeSync();
  }
}

async function openInstance(options: EngineOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads ?? 2),
    preserve_insertion_order: 'true',
    autoinstall_known_extensions: 'false',
    // It moves what stands twice out of TRY and CASE: a mapping that casts a column twice would fail as a whole on one bad row.
    disabled_optimizers: 'common_subexpressions',
    temp_directory: join(tmpdir(), `${scratchPrefix('duckdb')}spill`),
    ...(options.memoryLimit && { memory_limit: options.memoryLimit }),
  });
  const connection = await instance.connect();
  await addFunctions(connection);
  connection.closeSync();
  return instance;
}

/** One connection, asked in SQL. */
export class Sql {
  readonly connection: DuckDBConnection;

  constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  run(sql: string): Promise<DuckDBMaterializedResult> {
    return this.connection.run(sql);
  }

  /** All rows as plain values (64-bit integers as text); for answers known to be short. */
  async rows(sql: string): Promise<(string | number | boolean | null)[][]> {
    const rows = await (await this.connection.run(sql)).getRowsJson();
    return rows.map((row) =>
      row.map((value) => (typeof value === 'object' ? value && JSON.stringify(value) : value)),
    );
  }

  /** Names and types of a query's columns, without running it. */
  async describe(query: string): Promise<{ name: string; type: string }[]> {
    const rows = await this.rows(`DESCRIBE ${query}`);
    return rows.map(([name, type]) => ({ name: String(name), type: String(type) }));
  }
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL constant. DuckDB's parser ends at a NUL, so that one is spelt out. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\0') ? `(${quoted.replaceAll('\0', "' || chr(0) || '")})` : quoted;
}

/** First line of a DuckDB message, which names the fault; what follows are possible fixes and the statement. */
export function duckDbMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}

/** What the operating system says of files and disks, behind DuckDB's words for the call. */
const OF_THE_SYSTEM =
  /Could not (read from|write|fsync|remove|rename|truncate|seek|get |set |open|create|access|establish)|Cannot open|Failed to (create|open|write|delete|move|offload)|No space|No such file|Too many open|temporary|Input\/output/i;

/**
 * Tells a fault of the data or the config from one of the machine.
 * @returns a refusal for the former; the error itself otherwise
 */
export function refusalOr(error: unknown, what: string, hint: string): unknown {
  const message = duckDbMessage(error);
  if (/^(Out of Memory|Internal|Fatal|Interrupt|Permission) Error/i.test(message)) return error;
  // DuckDB calls it IO, too, that a file claims bytes which it does not have.
  if (/^IO Error/i.test(message) && OF_THE_SYSTEM.test(message)) return error;
  if (!/^[A-Za-z ]+ Error: /.test(message)) return error;
  return new Refusal(`${what}: ${message}`, hint, { cause: error });
}
