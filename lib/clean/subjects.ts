import { type Pseudonyms, userHash } from '../data/index.ts';
import { readCells, type Sql } from './duckdb/index.ts';
import type { TablePlan } from './mapping/index.ts';

/** Who the rows of a drop belong to, in sorting order. */
export interface Subjects {
  readonly hashes: Uint32Array;
  readonly pseudonyms: readonly string[];
  /** Clean rows of the one that has most of them. */
  readonly mostRows: number;
}

/** The subjects and their ranks as a FROM item, once `loadSubjects` has run. */
export const RANKED =
  '(SELECT subject, rank FROM (SELECT rowid AS place, subject FROM named) JOIN ranks USING (place))';

/**
 * Gives every subject of the clean rows in `mapped`, and of those that withdraw, its rank by (hash, pseudonym): the temp tables `named` and `ranks`. They go
 * to and from DuckDB by number, and their text comes as bytes: no reader of strings stands between that might take one text
 * for another.
 */
export async function loadSubjects(sql: Sql, plan: TablePlan, pseudonyms: Pseudonyms): Promise<Subjects> {
  if (plan.subject === 'none') return { hashes: new Uint32Array(), pseudonyms: [], mostRows: 0 };
  const [[count] = []] = await sql.rows(`CREATE OR REPLACE TEMP TABLE named AS
    SELECT subject, (count(*) FILTER (WHERE bad = 0))::INTEGER AS own FROM mapped
    WHERE bad = 0 ${plan.withdraws ? 'OR withdraws' : ''} GROUP BY subject`);
  const cells = await readCells(sql, 'named', { from: 0, to: Number(count) }, [
    { name: 'subject', type: 'text', nullable: false },
    { name: 'own', type: 'int32', nullable: false },
  ]);
  const names = textsOf(cells.get('subject'));
  const sealed = plan.subject === 'user' ? pseudonyms.sealAll(names) : names;
  const hashes = Uint32Array.from(sealed, userHash);
  const order = Uint32Array.from(sealed.keys());
  order.sort((a, b) => hashes[a]! - hashes[b]! || (sealed[a]! < sealed[b]! ? -1 : 1));
  await sql.run('CREATE OR REPLACE TEMP TABLE ranks (place BIGINT, rank INTEGER)');
  const appender = await sql.connection.createAppender('ranks');
  for (const [rank, place] of order.entries()) {
    appender.appendBigInt(BigInt(place));
    appender.appendInteger(rank);
    appender.endRow();
  }
  appender.closeSync();
  return {
    hashes: Uint32Array.from(order, (place) => hashes[place]!),
    pseudonyms: Array.from(order, (place) => sealed[place]!),
    mostRows: most(cells.get('own')?.values ?? []),
  };
}

function most(values: ArrayLike<number | bigint>): number {
  let found = 0;
  for (let i = 0; i < values.length; i++) found = Math.max(found, Number(values[i]));
  return found;
}

/** The texts of a column. */
export function textsOf(
  cells: { readonly values: ArrayLike<number | bigint>; readonly bytes?: Uint8Array } | undefined,
): string[] {
  const bytes = Buffer.from(cells?.bytes ?? new Uint8Array());
  let at = 0;
  return Array.from(cells?.values ?? [], (length) => bytes.toString('utf8', at, (at += Number(length))));
}
