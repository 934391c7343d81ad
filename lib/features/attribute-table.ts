import type { RecordBatch } from 'apache-arrow';
import { decodeArrow, readShard } from '../data/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';
import { numberColumn, optionalColumn, type TextColumn, textColumn } from './columns.ts';

/** What is said of users, items or labelled rows, by column. A number that is missing is NaN. */
export type AttributeColumn =
  | { readonly name: string; readonly kind: 'number'; readonly values: Float64Array }
  | {
      readonly name: string;
      readonly kind: 'category' | 'text';
      readonly values: readonly (string | undefined)[];
    };

export interface AttributeTable {
  readonly rows: number;
  /** Pseudonym or item of each row; '' in a labelled table without users. */
  readonly ids: readonly string[];
  /** ms UTC from which on the row holds; -Infinity where it is timeless. */
  readonly validFrom: Float64Array;
  readonly columns: readonly AttributeColumn[];
  /** SHA-256 (hex) of each row's normalised address, where it has one. No attribute: no model sees it. */
  readonly emails: readonly (string | undefined)[];
  /** Labelled tables only: the row's number in its file, its label, and 'train', 'valid', 'test' or ''. */
  readonly rowIds: Int32Array;
  readonly labels: readonly string[];
  readonly splits: readonly string[];
  /** Of a split by time: a number that rises with it; NaN elsewhere. */
  readonly splitAt: Float64Array;
}

const KIND = 'nightjar.kind';

/**
 * Reads `clean/users|items|labels/…` objects as one table, in the order of the keys. A column that only some files
 * have is missing in the rows of the others. Attributes are the columns whose metadata names their kind.
 * @param part of `users` tables: the batches that cover one shard; rows of other shards may be among them
 * @throws DataError when an object is no Arrow file of that shape, ObjectNotFound when it is gone
 */
export async function readAttributes(
  store: ObjectStore,
  keys: readonly string[],
  part?: { readonly shard: number; readonly shards: number },
): Promise<AttributeTable> {
  return tableOf(await readCells(store, keys, part));
}

/** Rows that came without a label: of each the shop's id and when it came (ms UTC). */
export interface UnlabelledRows {
  readonly table: AttributeTable;
  readonly keys: readonly string[];
  readonly times: Float64Array;
}

/**
 * Reads `clean/unlabelled/…` objects as one table, in the order of the keys. `ids` of the table are pseudonyms, '' of a row without a
 * user.
 * @throws as readAttributes
 */
export async function readUnlabelledRows(
  store: ObjectStore,
  keys: readonly string[],
): Promise<UnlabelledRows> {
  const cells = await readCells(store, keys);
  return {
    table: tableOf(cells),
    keys: cells.texts('id').map((id) => id ?? ''),
    times: cells.numbers('time', Number.NaN),
  };
}

/** Columns of several files, one behind the other. */
interface FileCells {
  readonly rows: number;
  readonly batches: readonly { readonly batch: RecordBatch }[];
  texts(name: string): (string | undefined)[];
  numbers(name: string, missing: number): Float64Array;
}

async function readCells(
  store: ObjectStore,
  keys: readonly string[],
  part?: { readonly shard: number; readonly shards: number },
): Promise<FileCells> {
  const batches: { batch: RecordBatch; key: string; start: number }[] = [];
  let rows = 0;
  for (const key of keys) {
    const found = part
      ? await readShard(await byteSource(store, key), part.shard, part.shards)
      : decodeArrow(await (await store.get(key)).bytes(), key).batches;
    for (const batch of found) {
      batches.push({ batch, key, start: rows });
      rows += batch.numRows;
    }
  }
  const texts = (name: string) => {
    const values = new Array<string | undefined>(rows).fill(undefined);
    for (const { batch, key, start } of batches) {
      const data = optionalColumn(batch, name);
      if (!data) continue;
      const column = textColumn(data, name, key);
      for (let i = 0; i < batch.numRows; i++) values[start + i] = textAt(column, i);
    }
    return values;
  };
  const numbers = (name: string, missing: number) => {
    const values = new Float64Array(rows).fill(missing);
    for (const { batch, key, start } of batches) {
      const data = optionalColumn(batch, name);
      if (data) values.set(numberColumn(data, name, key, missing), start);
    }
    return values;
  };
  return { rows, batches, texts, numbers };
}

function tableOf({ rows, batches, texts, numbers }: FileCells): AttributeTable {
  const kinds = new Map<string, string>();
  for (const { batch } of batches) {
    for (const field of batch.schema.fields) {
      const kind = field.metadata.get(KIND);
      if (kind !== undefined) kinds.set(field.name, kind);
    }
  }
  const columns = [...kinds].map(([name, kind]): AttributeColumn => {
    if (kind === 'number') return { name, kind, values: numbers(name, Number.NaN) };
    return { name, kind: kind === 'text' ? 'text' : 'category', values: texts(name) };
  });
  const users = texts('user');
  const items = texts('item');
  return {
    rows,
    ids: users.map((user, i) => user ?? items[i] ?? ''),
    validFrom: numbers('valid_from', Number.NEGATIVE_INFINITY),
    columns,
    emails: texts('email_sha256'),
    rowIds: Int32Array.from(numbers('row_id', -1)),
    labels: texts('label').map((label) => label ?? ''),
    splits: texts('split').map((split) => split ?? ''),
    splitAt: numbers('split_at', Number.NaN),
  };
}

/**
 * The row that holds for each id at an instant: the latest one with valid_from < `before`. Of rows that start at the
 * same time the last one read holds.
 * @param before ms UTC of the as-of midnight
 */
export function validRows(table: AttributeTable, before: number): Map<string, number> {
  const rows = new Map<string, number>();
  for (let row = 0; row < table.rows; row++) {
    const from = table.validFrom[row]!;
    if (from >= before) continue;
    const id = table.ids[row]!;
    const other = rows.get(id);
    if (other === undefined || from >= table.validFrom[other]!) rows.set(id, row);
  }
  return rows;
}

function textAt(column: TextColumn, row: number): string | undefined {
  if (!column.has(row)) return undefined;
  const { bytes, offsets } = column;
  const start = offsets[row]!;
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, offsets[row + 1]! - start).toString();
}
