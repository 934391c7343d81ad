import { eventCode } from '../../data/index.ts';
import { AT, type UserState } from '../../features/index.ts';

const PURCHASE = eventCode('purchase');
const RETURN = eventCode('return');
const VIEW = eventCode('view');
const CART = eventCode('cart');
const MILLI = 1000;
/** Lines that count beside a buyer's own ones, so that one return of one purchase is not as odd as fifty of fifty. */
const PRIOR_LINES = 5;
/** Days that count beside those since the first purchase. */
const PRIOR_DAYS = 30;

/** Sums of a buyer as of a day. */
interface Sums {
  readonly lines: number;
  readonly visits: number;
  readonly get: (type: number, place: number) => number;
  /** Days since the first purchase. */
  readonly tenure: number;
  /** Minor units in a major one. */
  readonly minor: number;
}

interface Trait {
  readonly name: string;
  /** For a person. */
  readonly words: string;
  readonly value: (sums: Sums) => number;
}

const trait = (name: string, words: string, value: Trait['value']): Trait => ({ name, words, value });
const ratio = (value: number, whole: number): number => (whole > 0 ? value / whole : 0);
/** Sizes differ by factors, not by amounts. */
const log = (value: number): number => Math.log1p(Math.max(0, value));
const money = (get: Sums['get'], type: number) => Math.abs(get(type, AT.money));
const units = (get: Sums['get'], type: number) => Math.abs(get(type, AT.units)) / MILLI;
/** A share of lines, drawn towards 0 where there are few. */
const share = (of: number, { lines }: Sums): number => of / (lines + PRIOR_LINES);

/** What a buyer does, in numbers that stand out where returns are abused, goods resold or accounts misused. */
export const TRAITS: readonly Trait[] = [
  trait('returned_lines', 'share of lines returned', (s) => share(s.get(RETURN, AT.lines), s)),
  trait('returned_money', 'share of money returned', (s) => {
    const given = Math.min(1, ratio(money(s.get, RETURN), money(s.get, PURCHASE)));
    return share(given * s.lines, s);
  }),
  trait('money_per_order', 'money per order', (s) => log(ratio(money(s.get, PURCHASE) / s.minor, s.visits))),
  trait('price_per_unit', 'price per unit', (s) =>
    log(ratio(money(s.get, PURCHASE) / s.minor, units(s.get, PURCHASE))),
  ),
  trait('units_per_line', 'units per line', (s) => log(ratio(units(s.get, PURCHASE), s.lines))),
  trait('lines_per_order', 'lines per order', (s) => log(ratio(s.lines, s.visits))),
  trait('orders_per_day', 'orders on a day with any', (s) =>
    log(ratio(s.visits, s.get(PURCHASE, AT.activeDays))),
  ),
  trait('buying_pace', 'how often there are days with orders', (s) =>
    ratio(s.get(PURCHASE, AT.activeDays) - 1, s.tenure + PRIOR_DAYS),
  ),
  trait('bought_again', 'share of lines of items bought before', (s) =>
    share(Math.max(0, s.lines - s.get(PURCHASE, AT.newItems)), s),
  ),
  trait('at_night', 'purchases from 0:00 to 3:59', (s) => share(s.get(PURCHASE, AT.parts), s)),
  trait('early_morning', 'purchases from 4:00 to 7:59', (s) => share(s.get(PURCHASE, AT.parts + 1), s)),
  trait('views_per_order', 'views per order', (s) => log(ratio(s.get(VIEW, AT.lines), s.visits))),
  trait('carts_per_order', 'additions to the cart per order', (s) =>
    log(ratio(s.get(CART, AT.lines), s.visits)),
  ),
];

/**
 * The traits of a user, in their order; NaN of one who never bought.
 * @param state holds the days before `day`
 * @param minor minor units in a major one
 */
export function traitsOf(state: UserState, day: number, minor: number): number[] {
  if (!state.has(PURCHASE)) return TRAITS.map(() => Number.NaN);
  const get = (type: number, place: number) => state.get(type, place);
  const sums = {
    get,
    minor,
    lines: get(PURCHASE, AT.lines),
    visits: get(PURCHASE, AT.visits),
    tenure: day - get(PURCHASE, AT.firstDay),
  };
  return TRAITS.map(({ value }) => value(sums));
}
