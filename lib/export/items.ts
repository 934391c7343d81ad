import { type ItemPair, readItemPairs } from '../models/index.ts';
import { type ObjectStore, withScratch } from '../runtime/index.ts';
import type { CsvWriter } from './csv.ts';
import type { ExportFile, Format } from './manifest.ts';
import { type Column, writeTableFile } from './table-file.ts';

/** The columns of `items`, in order; docs/exports.md describes them. */
const COLUMNS: readonly Column[] = [
  { name: 'item', type: 'VARCHAR' },
  { name: 'as_of_day', type: 'DATE' },
  { name: 'how', type: 'VARCHAR' },
  { name: 'rank', type: 'INTEGER' },
  { name: 'other_item', type: 'VARCHAR' },
  { name: 'support', type: 'INTEGER' },
  { name: 'confidence', type: 'DOUBLE' },
  { name: 'lift', type: 'DOUBLE' },
];

/** Writes what goes with each item as a table: in the same basket, and in those that follow. */
export async function writeItems(
  { store, guardFormulas }: { readonly store: ObjectStore; readonly guardFormulas: boolean },
  runId: string,
  asOf: string,
  keys: Partial<Readonly<Record<Format, string>>>,
): Promise<ExportFile[]> {
  const pairs = await readItemPairs(store, runId);
  return withScratch('export', (folder) =>
    writeTableFile({
      ...{ store, folder, guardFormulas, keys, table: 'items', name: 'items' },
      columns: COLUMNS,
      rows: pairs.length,
      records: (csv) => records(csv, asOf, pairs),
    }),
  );
}

function* records(csv: CsvWriter, asOf: string, pairs: readonly ItemPair[]): Generator<void> {
  for (const { item, how, rank, other, support, confidence, lift } of pairs) {
    csv.text(item);
    csv.plain(asOf);
    csv.plain(how);
    csv.whole(rank);
    csv.text(other);
    csv.whole(support);
    csv.plain(String(confidence));
    csv.plain(String(lift));
    csv.end();
    yield;
  }
}
