import { type ItemPair, readItemPairs } from '../models/index.ts';
import { type ObjectStore, withScratch } from '../runtime/index.ts';
import type { CsvWriter } from './csv.ts';
import type { ExportFile, Format } from './manifest.ts';
import { type Column, writeTableFile } from './table-file.ts';

/** The columns of `items`, in order; docs/exports.md has its table from here. */
export const ITEM_COLUMNS: readonly Column[] = [
  { name: 'item', type: 'VARCHAR', means: "the shop's id" },
  { name: 'as_of_day', type: 'DATE', means: 'as in `users`' },
  {
    name: 'how',
    type: 'VARCHAR',
    means:
      '`with`: in the same basket, which is what one user took on one shop day. `next`: in a basket of the same user on one of the `withinDays` days behind it',
  },
  { name: 'rank', type: 'INTEGER', means: 'from 1' },
  { name: 'other_item', type: 'VARCHAR', means: 'the item that goes with it' },
  { name: 'support', type: 'INTEGER', means: 'baskets with `item` that `other_item` goes with' },
  { name: 'confidence', type: 'DOUBLE', means: 'their share of all baskets with `item`' },
  {
    name: 'lift',
    type: 'DOUBLE',
    means:
      '`confidence` over the share of all baskets that `other_item` goes with: 1 is chance (Brin et al. 1997)',
  },
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
      columns: ITEM_COLUMNS,
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
