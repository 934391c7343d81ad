import { type Band, type Bands, bandOfQuintile } from './bands.ts';
import { levelOf } from './quantiles.ts';
import type { Standing } from './segments.ts';

const HOW_OFTEN: Readonly<Record<Band, string>> = { low: 'seldom', medium: 'now and then', high: 'often' };
const HOW_MUCH: Readonly<Record<Band, string>> = { low: 'little', medium: 'a fair amount', high: 'much' };

/** A centre in words, against the night's buyers: 'buys often, spends much, last bought about 5 days ago'. */
export function describe({ recency, purchaseDays, money }: Standing, bands: Bands): string {
  // Nobody buys on 2.1 days: edges are whole numbers.
  const often = HOW_OFTEN[bandOfQuintile(levelOf(Math.round(purchaseDays), bands.purchaseDays))];
  const much = HOW_MUCH[bandOfQuintile(levelOf(money, bands.money))];
  const times = Math.round(purchaseDays) <= 1 ? 'bought once' : `buys ${often}`;
  const days = Math.max(1, Math.round(recency));
  const last = days === 1 ? 'yesterday' : `about ${days} days ago`;
  return `${times}, spends ${much}, last bought ${last}`;
}
