import { DataError, type Pseudonyms } from '../data/index.ts';
import { compareKeys, getBytes, type ObjectStore } from '../runtime/index.ts';
import { type ScoreColumns, scoreColumns, textsOf } from '../score/index.ts';
import type { ExportShape } from './table.ts';

/** A shard's scores with the shop's own ids. */
export interface ShardRows {
  readonly columns: ScoreColumns;
  /** Pseudonyms of users, numbers of a labelled table's rows, or items. */
  readonly names: readonly string[];
  readonly ids: readonly string[];
  /** Rows by hash, then id: what decides between equal logits. */
  readonly order: Uint32Array;
}

/** @throws DataError when the object is not there, or is damaged */
export async function readScores(store: ObjectStore, key: string): Promise<ScoreColumns> {
  const bytes = await getBytes(store, key);
  if (bytes) return scoreColumns(bytes, key);
  throw new DataError(`${key} is not there: score the whole run before it is exported ("nightjar score")`);
}

/** What a task ranks the users by, highest first; NaN where it does not ask them. */
export const rankedBy = ({ tasks, values, uplifts }: ScoreColumns, task: string): Float64Array =>
  tasks[task]?.logit ?? values[task]?.value ?? uplifts[task]!.uplift;

export async function readRows(
  store: ObjectStore,
  key: string,
  { id }: ExportShape,
  pseudonyms: Pseudonyms,
): Promise<ShardRows> {
  const columns = await readScores(store, key);
  const names = textsOf(columns.users, columns.rows).map((name) => name ?? '');
  // Rows of a labelled table are named by their number, items by themselves: neither is a secret.
  const ids = id === 'user_id' ? pseudonyms.openAll(names) : names;
  return { columns, names, ids, order: byHash(columns.hashes, ids) };
}

/** Scores are filed by hash, so hardly anything moves. */
function byHash(hashes: Uint32Array, ids: readonly string[]): Uint32Array {
  const order = Uint32Array.from(ids, (_, row) => row);
  if (hashes.every((hash, row) => row === 0 || hashes[row - 1]! < hash)) return order;
  const compare = comparerOf(ids);
  return order.sort((a, b) => hashes[a]! - hashes[b]! || compare(ids[a]!, ids[b]!));
}

/** The order of texts by their UTF-8 bytes: that of UTF-16 units, where none of them needs two. */
export function comparerOf(texts: readonly string[]): (a: string, b: string) => number {
  if (texts.some((text) => /[\ud800-\udfff]/.test(text))) return compareKeys;
  return (a, b) => (a < b ? -1 : a > b ? 1 : 0);
}
