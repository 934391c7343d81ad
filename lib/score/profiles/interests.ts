import { eventCode } from '../../data/index.ts';
import type { Interner, UserState } from '../../features/index.ts';

const PURCHASE = eventCode('purchase');
/** What tells of interest where nothing was bought. */
const LOOKS = (['view', 'search', 'cart', 'favorite', 'review'] as const).map(eventCode);

/**
 * What a user's items within `historyDays` are of, as JSON: the largest shares, largest first. Lines of purchases count,
 * those of other events where the user has bought nothing of it; older ones less, at the long half-life of items.
 * @param state holds the days before `day`
 * @param nameOf what an item is of, by its number; undefined where that is not known
 * @returns null where nothing is known
 */
export function interestsOf(
  state: UserState,
  day: number,
  items: Interner,
  nameOf: (item: number) => string | undefined,
  most: number,
): string | null {
  const bought = linesByName(state, day, items, nameOf, [PURCHASE]);
  const lines = bought.size > 0 ? bought : linesByName(state, day, items, nameOf, LOOKS);
  if (lines.size === 0) return null;
  let all = 0;
  for (const own of lines.values()) all += own;
  const largest = [...lines].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, most);
  return JSON.stringify(
    largest.map(([name, own]) => ({ name, value: Math.round((own / all) * 10_000) / 10_000 })),
  );
}

/** Sums are taken in the order of items' names: a state that was folded on from a snapshot has its rows in another one. */
function linesByName(
  { items: rows, historyDays }: UserState,
  day: number,
  items: Interner,
  nameOf: (item: number) => string | undefined,
  types: readonly number[],
): Map<string, number> {
  const counted: number[] = [];
  for (let at = 0; at < rows.size; at++) {
    const type = rows.type[at]!;
    if (!types.includes(type) || rows.days[at] === 0 || day - rows.lastDay[at]! > historyDays) continue;
    if (nameOf(rows.item[at]!) !== undefined) counted.push(at);
  }
  counted.sort((a, b) => items.compare(rows.item[a]!, rows.item[b]!) || rows.type[a]! - rows.type[b]!);
  const lines = new Map<string, number>();
  for (const at of counted) {
    const name = nameOf(rows.item[at]!)!;
    lines.set(name, (lines.get(name) ?? 0) + rows.decayed(at, day).long);
  }
  return lines;
}
