import { eventCode } from '../data/index.ts';
import { type Facts, MONTHS, ratio, WINDOWS } from './facts.ts';
import { AT, DAY_PARTS, DECAYED, TYPES } from './state.ts';

/** Features that a person would name together; reasons are summed by them. */
export type FeatureGroup =
  | 'recency'
  | 'frequency'
  | 'money'
  | 'gaps'
  | 'tenure'
  | 'variety'
  | 'timing'
  | 'returns'
  | 'engagement';

export interface FeatureName {
  readonly name: string;
  /** What it says, for a person: 'days since last purchase'. */
  readonly words: string;
  /** For features of behaviour a FeatureGroup. */
  readonly group: string;
}

export interface Feature {
  readonly name: string;
  readonly group: FeatureGroup;
  /** {one} and {many} stand for the event type. */
  readonly words: string;
  /** The value of an event type; features over all types ignore `type`. */
  readonly value: (facts: Facts, type: number) => number;
}

const feature = (name: string, group: FeatureGroup, words: string, value: Feature['value']): Feature => ({
  name,
  group,
  words,
  value,
});
const MINOR = 100;
const MILLI = 1000;
const plural = (days: number): string => (days === 1 ? '1 day' : `${days} days`);
const WEEKDAY_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const PURCHASE = eventCode('purchase');
const RETURN = eventCode('return');
const VIEW = eventCode('view');
const CART = eventCode('cart');

const PRIOR_GAP = 45;

/** Active days after the first. */
const repeats = (f: Facts, t: number): number => Math.max(0, f.get(t, AT.activeDays) - 1);
const moneyPerDay = (f: Facts, t: number): number =>
  ratio(Math.abs(f.get(t, AT.money)) / MINOR, f.get(t, AT.activeDays));
const expectedGap = (f: Facts, t: number): number =>
  (f.get(t, AT.gapSum) + PRIOR_GAP) / (f.get(t, AT.gaps) + 1);
const logOver = (value: number, whole: number): number => (whole === 0 ? 0 : Math.log(value / whole));

/**
 * The chance that the user is still a customer under BG/NBD with r = 0.7, a = 0.8, b = 2.5 and the given alpha
 * (Fader, Hardie & Lee 2005, "Counting your customers" the easy way, with the form of P(alive) of their note of
 * 2008). The values are typical, not fitted: the model weighs what comes out.
 */
function alive(f: Facts, t: number, alpha: number): number {
  const x = repeats(f, t);
  if (x === 0) return 1;
  const active = f.get(t, AT.lastDay) - f.get(t, AT.firstDay);
  const silence = ((alpha + f.tenure(t)) / (alpha + active)) ** Math.min(0.7 + x, 30);
  return 1 / (1 + (0.8 / (2.5 + x - 1)) * silence);
}

/**
 * Features of one event type. Money is in hundreds of minor units and always positive (for returns: what was given
 * back), quantities are in units. "Active day" is a shop day with an event of the type, "visit" what shares a session
 * or a time. A user who never did it has recency = historyDays and 0 everywhere else; `has` tells the two apart.
 */
export function typeFeatures(halfLives: readonly number[]): Feature[] {
  return [
    feature('has', 'recency', 'any {many} at all', (f, t) => Number(f.has(t))),
    feature('recency', 'recency', 'days since last {one}', (f, t) => f.recency(t)),
    feature('tenure', 'tenure', 'days since first {one}', (f, t) => f.tenure(t)),
    feature('lines', 'frequency', 'lines of all {many}', (f, t) => f.get(t, AT.lines)),
    feature('units', 'frequency', 'units in all {many}', (f, t) => Math.abs(f.get(t, AT.units)) / MILLI),
    feature('visits', 'frequency', 'number of {many}', (f, t) => f.get(t, AT.visits)),
    feature('active_days', 'frequency', 'days with {many}', (f, t) => f.get(t, AT.activeDays)),
    feature('money', 'money', 'money of all {many}', (f, t) => Math.abs(f.get(t, AT.money)) / MINOR),
    ...halfLives.flatMap((days, h) => [
      feature(
        `lines_half_${days}d`,
        'frequency',
        `lines of recent {many} (half-life ${plural(days)})`,
        (f, t) => f.decayed(t, h, DECAYED.lines),
      ),
      feature(`visits_half_${days}d`, 'frequency', `recent {many} (half-life ${plural(days)})`, (f, t) =>
        f.decayed(t, h, DECAYED.visits),
      ),
      feature(
        `days_half_${days}d`,
        'frequency',
        `recent days with {many} (half-life ${plural(days)})`,
        (f, t) => f.decayed(t, h, DECAYED.days),
      ),
      feature(
        `money_half_${days}d`,
        'money',
        `money of recent {many} (half-life ${plural(days)})`,
        (f, t) => f.decayed(t, h, DECAYED.money) / MINOR,
      ),
    ]),
    ...WINDOWS.flatMap((days, w) => [
      feature(`active_days_${days}d`, 'frequency', `days with {many} in the last ${days} days`, (f, t) =>
        f.activeDays(t, w),
      ),
      feature(`visits_${days}d`, 'frequency', `{many} in the last ${days} days`, (f, t) => f.visits(t, w)),
      feature(
        `money_${days}d`,
        'money',
        `money of {many} in the last ${days} days`,
        (f, t) => f.money(t, w) / MINOR,
      ),
    ]),
    ...Array.from({ length: MONTHS }, (_, month) =>
      feature(
        `active_days_month_${month + 1}`,
        'frequency',
        `days with {many} from ${30 * month + 1} to ${30 * (month + 1)} days ago`,
        (f, t) => f.monthDays(t, month),
      ),
    ),
    // Logarithm of active days per day that could have had one, drawn towards a common rate where little is known.
    ...WINDOWS.map((days, w) =>
      feature(
        `log_rate_${days}d`,
        'frequency',
        `rate of days with {many} over the last ${days} days`,
        (f, t) => Math.log((f.activeDays(t, w) + 0.5) / (Math.min(days, f.tenure(t)) + 15)),
      ),
    ),
    feature('log_rate', 'frequency', 'rate of days with {many} since the first', (f, t) =>
      Math.log((repeats(f, t) + 0.7) / (f.tenure(t) + 30)),
    ),
    feature('only_once', 'frequency', 'exactly one day with {many}', (f, t) =>
      Number(f.get(t, AT.activeDays) === 1),
    ),
    feature('only_twice', 'frequency', 'exactly two days with {many}', (f, t) =>
      Number(f.get(t, AT.activeDays) === 2),
    ),
    feature('trend', 'frequency', 'days with {many}, last 30 days against last 90', (f, t) =>
      Math.log((f.activeDays(t, 2) + 1) / (f.activeDays(t, 4) / 3 + 1)),
    ),
    feature('visits_per_day', 'frequency', '{many} per day with any', (f, t) =>
      ratio(f.get(t, AT.visits), f.get(t, AT.activeDays)),
    ),
    feature('money_per_day', 'money', 'money per day with {many}', (f, t) => moneyPerDay(f, t)),
    feature('money_last', 'money', 'money on the last day with {many}', (f, t) => f.lastMoney(t) / MINOR),
    feature('money_max', 'money', 'most money on a day with {many}', (f, t) => f.maxMoney(t) / MINOR),
    feature('money_last_over_mean', 'money', 'money on the last day with {many} against the mean', (f, t) =>
      ratio(f.lastMoney(t) / MINOR, moneyPerDay(f, t)),
    ),
    feature('money_per_unit', 'money', 'money per unit in {many}', (f, t) =>
      ratio(Math.abs(f.get(t, AT.money)) / MINOR, Math.abs(f.get(t, AT.units)) / MILLI),
    ),
    feature('money_per_visit', 'money', 'money per {one}', (f, t) =>
      ratio(Math.abs(f.get(t, AT.money)) / MINOR, f.get(t, AT.visits)),
    ),
    feature('money_per_line', 'money', 'money per line of {many}', (f, t) =>
      ratio(Math.abs(f.get(t, AT.money)) / MINOR, f.get(t, AT.lines)),
    ),
    feature('lines_per_visit', 'variety', 'lines per {one}', (f, t) =>
      ratio(f.get(t, AT.lines), f.get(t, AT.visits)),
    ),
    feature('units_per_line', 'variety', 'units per line of {many}', (f, t) =>
      ratio(Math.abs(f.get(t, AT.units)) / MILLI, f.get(t, AT.lines)),
    ),
    // An item counts again when it comes back after more than historyDays.
    feature('distinct_items', 'variety', 'different items in {many}', (f, t) => f.get(t, AT.newItems)),
    feature('distinct_items_90d', 'variety', 'different items in {many} of the last 90 days', (f, t) =>
      f.recentItems(t),
    ),
    feature('new_item_share', 'variety', 'share of new items in {many}', (f, t) =>
      ratio(f.get(t, AT.newItems), f.get(t, AT.itemDays)),
    ),
    feature('repeat_items', 'variety', 'items that came again in {many}', (f, t) => f.repeatItems(t)),
    feature('loyal_items', 'variety', 'items that keep coming in {many}', (f, t) => f.loyalItems(t)),
    feature('repeat_item_share', 'variety', 'share of items that came again in {many}', (f, t) =>
      ratio(f.repeatItems(t), f.get(t, AT.newItems)),
    ),
    feature('lines_last', 'variety', 'lines on the last day with {many}', (f, t) => f.lastLines(t)),
    feature('lines_per_day', 'variety', 'lines per day with {many}', (f, t) =>
      ratio(f.get(t, AT.lines), f.get(t, AT.activeDays)),
    ),
    feature('top_item_share', 'variety', 'share of the most frequent item in {many}', (f, t) =>
      ratio(f.topLines(t), f.get(t, AT.lines)),
    ),
    feature('gap_mean', 'gaps', 'mean days between {many}', (f, t) => f.gapMean(t)),
    feature('gap_deviation', 'gaps', 'spread of the days between {many}', (f, t) => f.gapDeviation(t)),
    feature('gap_last', 'gaps', 'days between the last two {many}', (f, t) => f.get(t, AT.gapLast)),
    feature('gap_max', 'gaps', 'most days between two {many}', (f, t) => f.get(t, AT.gapMax)),
    feature('has_gap', 'gaps', 'more than one day with {many}', (f, t) => Number(f.get(t, AT.gaps) > 0)),
    feature('recency_over_gap', 'gaps', 'days since last {one} against the mean gap', (f, t) =>
      ratio(f.recency(t), f.gapMean(t)),
    ),
    // In standard deviations, one day added so that a perfectly regular user does not divide by 0.
    feature('overdue', 'gaps', 'how overdue the next {one} is', (f, t) =>
      f.get(t, AT.gaps) > 0 ? (f.recency(t) - f.gapMean(t)) / (f.gapDeviation(t) + 1) : 0,
    ),
    // The chance that a Poisson buyer of this mean gap has not come back yet, as in Fader, Hardie & Lee (2005).
    feature(
      'still_waiting',
      'gaps',
      'chance of so long a wait for the next {one}, by the mean gap',
      (f, t) => (f.get(t, AT.gaps) > 0 ? Math.exp(-f.recency(t) / f.gapMean(t)) : 0),
    ),
    // The mean gap, one more gap of PRIOR_GAP days counted in: defined for everyone who did it once.
    feature('gap_expected', 'gaps', 'expected days between {many}', (f, t) => expectedGap(f, t)),
    feature('log_recency_over_expected', 'gaps', 'days since last {one} against the expected gap', (f, t) =>
      Math.log(f.recency(t) / expectedGap(f, t)),
    ),
    feature(
      'waiting_expected',
      'gaps',
      'chance of so long a wait for the next {one}, by the expected gap',
      (f, t) => Math.exp(-f.recency(t) / expectedGap(f, t)),
    ),
    feature('log_recency_over_last', 'gaps', 'days since last {one} against the last gap', (f, t) =>
      logOver(f.recency(t), f.get(t, AT.gapLast)),
    ),
    feature('log_recency_over_max', 'gaps', 'days since last {one} against the longest gap', (f, t) =>
      logOver(f.recency(t), f.get(t, AT.gapMax)),
    ),
    feature(
      'gap_variation',
      'gaps',
      'how irregular the {many} are',
      (f, t) => f.gapDeviation(t) / (expectedGap(f, t) + 1),
    ),
    feature('alive_15', 'gaps', 'chance of still being a customer, by {many}', (f, t) => alive(f, t, 15)),
    feature('alive_60', 'gaps', 'chance of still being a customer, by {many} (slower)', (f, t) =>
      alive(f, t, 60),
    ),
    // x / T and t_x / T of BG/NBD: repeat days per day of tenure, and how much of the tenure the active part is.
    feature('repeat_rate', 'gaps', 'days with repeated {many} per day since the first', (f, t) =>
      ratio(Math.max(0, f.get(t, AT.activeDays) - 1), f.tenure(t)),
    ),
    feature('active_part', 'gaps', 'share of the time since the first {one} up to the last', (f, t) =>
      f.has(t) ? ratio(f.get(t, AT.lastDay) - f.get(t, AT.firstDay), f.tenure(t)) : 0,
    ),
    ...Array.from({ length: DAY_PARTS }, (_, part) =>
      feature(
        `hours_${part * 4}_to_${part * 4 + 3}`,
        'timing',
        `share of {many} from ${part * 4}:00 to ${part * 4 + 3}:59`,
        (f, t) => f.partShare(t, part),
      ),
    ),
    ...WEEKDAY_NAMES.map((name, weekday) =>
      feature(
        `on_${name}`,
        'timing',
        `share of {many} on ${name[0]!.toUpperCase()}${name.slice(1)}s`,
        (f, t) => f.weekdayShare(t, weekday),
      ),
    ),
  ];
}

/** Features over all event types; ratios are 0 where there is nothing to divide by. */
export const SHARED_FEATURES: Feature[] = [
  ...WINDOWS.map((days, w) =>
    feature(`any_days_${days}d`, 'engagement', `active days in the last ${days} days`, (f) => f.anyDays(w)),
  ),
  feature('any_recency', 'engagement', 'days since anything was done', (f) => {
    let recency = f.recency(0);
    for (let t = 1; t < TYPES; t++) recency = Math.min(recency, f.recency(t));
    return recency;
  }),
  // Days of the last 30 against a third of those of the last 90: above 1 the user picks up.
  feature('trend', 'engagement', 'active days, last 30 days against last 90', (f) =>
    ratio(3 * f.anyDays(2), f.anyDays(4)),
  ),
  feature('purchases_per_view', 'engagement', 'purchases per view', (f) =>
    ratio(f.get(PURCHASE, AT.visits), f.get(VIEW, AT.lines)),
  ),
  feature('purchases_per_cart', 'engagement', 'purchases per addition to the cart', (f) =>
    ratio(f.get(PURCHASE, AT.lines), f.get(CART, AT.lines)),
  ),
  feature('return_line_share', 'returns', 'returned lines per purchased line', (f) =>
    ratio(f.get(RETURN, AT.lines), f.get(PURCHASE, AT.lines)),
  ),
  feature('return_money_share', 'returns', 'money given back per money spent', (f) =>
    ratio(Math.abs(f.get(RETURN, AT.money)), Math.abs(f.get(PURCHASE, AT.money))),
  ),
];
