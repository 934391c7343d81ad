import {
  BOOLEAN,
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  UINTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { stableUnit } from '../data/index.ts';
import type { ShardScores } from '../models/index.ts';

/** Rows that DuckDB takes in one chunk. */
const CHUNK = 2048;

/** Where a task's values stand in the export, as `name` of the column and the SQL that makes it. */
interface ExportColumn {
  readonly name: string;
  readonly sql: string;
  /** JSON text of named values in the scores; a list of structs where a format has them. */
  readonly list?: boolean;
}

/** What an export holds for a set of tasks. */
export interface ExportShape {
  /** Yes-or-no tasks, then list tasks, each in the order of their columns. */
  readonly tasks: readonly string[];
  readonly lists: readonly string[];
  /** Null for labelled tables without a time. */
  readonly asOf: string | null;
  readonly modelVersion: string;
  readonly controlShare: number;
  /** 'user_id', or 'row_id' for a labelled table. */
  readonly id: 'user_id' | 'row_id';
}

/** Makes the table that takes the scores. */
export async function createScoreTable(connection: DuckDBConnection, shape: ExportShape): Promise<void> {
  const columns = [
    'id VARCHAR',
    'hash UINTEGER',
    'control BOOLEAN',
    'email VARCHAR',
    ...shape.tasks.flatMap((_, i) => [
      `logit_${i} DOUBLE`,
      `probability_${i} DOUBLE`,
      `reasons_${i} VARCHAR`,
    ]),
    ...shape.lists.map((_, i) => `list_${i} VARCHAR`),
  ];
  await connection.run(`CREATE TABLE scores (${columns.join(', ')})`);
}

/**
 * Adds a shard's rows.
 * @param idOf the shop's own id of a pseudonym
 */
export async function appendScores(
  connection: DuckDBConnection,
  shape: ExportShape,
  shard: ShardScores,
  idOf: (pseudonym: string) => string,
): Promise<void> {
  const types: DuckDBType[] = [VARCHAR, UINTEGER, BOOLEAN, VARCHAR];
  for (const _ of shape.tasks) types.push(DOUBLE, DOUBLE, VARCHAR);
  for (const _ of shape.lists) types.push(VARCHAR);
  const appender = await connection.createAppender('scores');
  for (let start = 0; start < shard.users.length; start += CHUNK) {
    const end = Math.min(start + CHUNK, shard.users.length);
    const users = shard.users.slice(start, end);
    const known = (values: Float64Array) =>
      Array.from(values.subarray(start, end), (value) => (Number.isNaN(value) ? null : value));
    const columns = [
      users.map(idOf),
      Array.from(shard.hashes.subarray(start, end)),
      users.map((user) => stableUnit('control', user) < shape.controlShare),
      shard.emails?.slice(start, end) ?? users.map(() => null),
      ...shape.tasks.flatMap((task) => {
        const scores = shard.tasks[task]!;
        return [known(scores.logit), known(scores.probability), scores.reasons.slice(start, end)];
      }),
      ...shape.lists.map((task) => shard.lists[task]!.slice(start, end)),
    ];
    const chunk = DuckDBDataChunk.create(types, end - start);
    chunk.setColumns(columns);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/**
 * The columns that readers of the export see, in order; docs/exports.md describes them. The path says `as_of` and `run`:
 * no column has these names, so that a reader may take both from it.
 */
function exportColumns(shape: ExportShape): ExportColumn[] {
  const columns: ExportColumn[] = [
    { name: shape.id, sql: shape.id === 'row_id' ? 'id::INTEGER' : 'id' },
    { name: 'as_of_day', sql: shape.asOf === null ? 'CAST(NULL AS DATE)' : `DATE '${shape.asOf}'` },
    { name: 'control', sql: 'control' },
  ];
  shape.tasks.forEach((task, i) => {
    columns.push(
      { name: `${task}_probability`, sql: `probability_${i}` },
      { name: `${task}_decile`, sql: `decile_${i}` },
      { name: `${task}_rank`, sql: `rank_${i}` },
      { name: `${task}_reasons`, sql: `reasons_${i}`, list: true },
    );
  });
  shape.lists.forEach((task, i) => {
    columns.push({ name: `${task}_top`, sql: `list_${i}`, list: true });
  });
  columns.push({ name: 'model_version', sql: `'${shape.modelVersion}'` });
  return columns;
}

/** The scores with `rank_<i>` and `decile_<i>` of each task, as a FROM item. */
function ranked({ tasks }: ExportShape): string {
  // Ranks follow the raw output: calibration may join what the model tells apart. Ties are broken by the hash.
  const ranks = tasks.map(
    (_, i) =>
      `CASE WHEN logit_${i} IS NOT NULL THEN row_number() OVER (ORDER BY logit_${i} DESC NULLS LAST, hash, id) END::INTEGER AS rank_${i}`,
  );
  const deciles = tasks.map(
    (_, i) =>
      `CAST(floor((rank_${i} - 1)::BIGINT * 10 / count(logit_${i}) OVER ()) + 1 AS INTEGER) AS decile_${i}`,
  );
  return `(SELECT ${['*', ...deciles].join(', ')} FROM (SELECT ${['*', ...ranks].join(', ')} FROM scores))`;
}

/** SELECT of the whole export, ordered by id. Lists of named values are JSON text for formats without lists. */
export function exportQuery(shape: ExportShape, lists: 'native' | 'json'): string {
  const quoted = exportColumns(shape).map(({ name, sql, list }) => {
    const value =
      list && lists === 'native' ? `from_json(${sql}, '[{"name":"VARCHAR","value":"DOUBLE"}]')` : sql;
    return `${value} AS "${name}"`;
  });
  const order = shape.id === 'row_id' ? 'id::INTEGER' : 'id';
  return `SELECT ${quoted.join(', ')} FROM ${ranked(shape)} ORDER BY ${order}`;
}

/**
 * SELECT of the addresses of a task's list, best first. An address stands once, with its best rank. Left out are all
 * addresses of the control group: also where another account of the same address is in it.
 */
export function audienceQuery(shape: ExportShape, task: string): string {
  const i = shape.tasks.indexOf(task);
  return `
    SELECT email AS email_sha256, decile AS "decile", rank AS "rank" FROM (
      SELECT email, decile_${i} AS decile, rank_${i} AS rank, bool_or(control) OVER (PARTITION BY email) AS held,
        row_number() OVER (PARTITION BY email ORDER BY rank_${i} NULLS LAST) AS nth
      FROM ${ranked(shape)} WHERE email IS NOT NULL)
    WHERE nth = 1 AND rank IS NOT NULL AND NOT held ORDER BY rank`;
}
