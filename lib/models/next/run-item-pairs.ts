import { type Data, Field, Float64, Int32, makeData, Utf8, vectorFromArray } from 'apache-arrow';
import { DataError, decodeArrow, encodeArrow, recordBatch } from '../../data/index.ts';
import type { RunManifest } from '../../run/index.ts';
import { getBytes, type ObjectStore } from '../../runtime/index.ts';
import { type ItemPair, itemPairs } from './item-pairs.ts';

const itemPairsKey = (runId: string): string => `runs/${runId}/item-pairs.arrow`;

/**
 * Counts what goes with each item and stores it for the export, which reads no events; where the run exports it and it does not
 * stand yet.
 */
export async function ensureItemPairs(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
): Promise<void> {
  const { items } = manifest.config.exports;
  if (!exportsItems(manifest) || (await store.head(itemPairsKey(runId)))) return;
  const asked = typeof items === 'object' ? items : { event: 'purchase' as const, withinDays: 30 };
  const pairs = await itemPairs(store, manifest, asked);
  await store.put(itemPairsKey(runId), encodeItemPairs(pairs), { ifAbsent: true });
}

/** Does the run export what goes with each item? A backtest exports nothing; labelled tables alone have no day, and no items. */
export const exportsItems = ({ purpose, asOf, config }: RunManifest): boolean =>
  purpose !== 'backtest' && asOf !== null && (config.exports.items ?? false) !== false;

/** What `ensureItemPairs` stored. @throws DataError when it is not there */
export async function readItemPairs(store: ObjectStore, runId: string): Promise<ItemPair[]> {
  const key = itemPairsKey(runId);
  const bytes = await getBytes(store, key);
  if (!bytes)
    throw new DataError(`${key} is not there: score the run before it is exported ("nightjar score")`);
  const batch = decodeArrow(bytes, key).batches[0]!;
  const texts = (name: keyof ItemPair): string[] => Array.from(batch.getChild(name)!);
  const numbers = (name: keyof ItemPair): ArrayLike<number> => batch.getChild(name)!.data[0]!.values;
  const [items, hows, others] = [texts('item'), texts('how') as ItemPair['how'][], texts('other')];
  const [ranks, supports] = [numbers('rank'), numbers('support')];
  const [confidences, lifts] = [numbers('confidence'), numbers('lift')];
  return items.map((item, i) => ({
    ...{ item, how: hows[i]!, rank: ranks[i]!, other: others[i]! },
    ...{ support: supports[i]!, confidence: confidences[i]!, lift: lifts[i]! },
  }));
}

function encodeItemPairs(pairs: readonly ItemPair[]): Uint8Array {
  const rows = pairs.length;
  const fields: Field[] = [];
  const columns: Data[] = [];
  const text = (name: 'item' | 'how' | 'other') => {
    fields.push(new Field(name, new Utf8(), false));
    const values = pairs.map((pair) => pair[name]);
    columns.push(vectorFromArray(values, new Utf8()).data[0] ?? makeData({ type: new Utf8(), length: 0 }));
  };
  const whole = (name: 'rank' | 'support') => {
    fields.push(new Field(name, new Int32(), false));
    const data = Int32Array.from(pairs, (pair) => pair[name]);
    columns.push(makeData({ type: new Int32(), length: rows, nullCount: 0, data }));
  };
  const number = (name: 'confidence' | 'lift') => {
    fields.push(new Field(name, new Float64(), false));
    const data = Float64Array.from(pairs, (pair) => pair[name]);
    columns.push(makeData({ type: new Float64(), length: rows, nullCount: 0, data }));
  };
  text('item');
  text('how');
  whole('rank');
  text('other');
  whole('support');
  number('confidence');
  number('lift');
  return encodeArrow(fields, [recordBatch(fields, columns, rows)], {});
}
