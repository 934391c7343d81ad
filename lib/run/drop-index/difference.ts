import { compareKeys } from '../../runtime/index.ts';
import type { KnownDrop } from '../inputs.ts';
import type { Referred } from '../manifest.ts';
import type { Loaded } from './loaded.ts';
import { beginsBefore, dropOf, type Row } from './rows.ts';
import { readRows } from './segments.ts';

/** Drops whose contents are said otherwise by two manifests; undefined where they differ too much to be compared. */
export interface Difference {
  readonly before: KnownDrop[];
  readonly now: KnownDrop[];
}

/** Rows in which two manifests may differ for their inputs to be compared. */
const MOST_ROWS = 200_000;

/**
 * What two manifests by reference read differently: drops of all contents that are not named by the same segments alone. Of
 * every other content both read the same.
 * @param loaded the index of now
 */
export async function difference(
  loaded: Loaded,
  before: Referred,
  now: Referred,
): Promise<Difference | undefined> {
  // By which days a segment is cut is seen only in its rows.
  const cut = before.before !== now.before;
  const common = new Set(cut ? [] : before.known.filter((key) => now.known.includes(key)));
  const own = async ({ known, before: day }: Referred) => {
    const rows: Row[] = [];
    for (const key of known) {
      if (common.has(key)) continue;
      const { count, row } = await readRows(loaded.store, key);
      if (rows.length + count > MOST_ROWS) return undefined;
      for (let n = 0; n < count; n++) if (day === undefined || beginsBefore(row(n), day)) rows.push(row(n));
    }
    return rows;
  };
  const rowsBefore = await own(before);
  const rowsNow = rowsBefore && (await own(now));
  if (!rowsNow) return undefined;
  const contents = new Set([...rowsBefore, ...rowsNow].flatMap(({ content }) => content ?? []));
  const halves = new Set([...contents].map((content) => Buffer.from(content, 'hex').readUInt32LE()));
  const shared: Row[] = [];
  for (const [n, { key }] of loaded.refs.entries()) {
    const named = loaded.members[n]!.contents;
    if (!common.has(key) || !named.some((half, i) => i % 2 === 0 && halves.has(half))) continue;
    const { count, row } = await loaded.rowsOf(n);
    for (let i = 0; i < count; i++) if (contents.has(row(i).content ?? '')) shared.push(row(i));
  }
  const dropsOf = (rows: readonly Row[]) =>
    [...rows, ...shared].sort((a, b) => compareKeys(a.key, b.key)).map((row) => dropOf(row));
  return { before: dropsOf(rowsBefore), now: dropsOf(rowsNow) };
}
