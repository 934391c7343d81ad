import type { Config } from '../config/index.ts';
import { EVENT_TYPES, eventCode } from '../data/index.ts';
import { Facts, MONTHS, ratio, WINDOWS } from './facts.ts';
import { AT, DAY_PARTS, DECAYED, TYPES, type UserState } from './state.ts';

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
  /** For features of behaviour a FeatureGroup. */
  readonly group: string;
}

interface Feature {
  readonly name: string;
  readonly group: FeatureGroup;
  /** The value of an event type; features over all types ignore `type`. */
  readonly value: (facts: Facts, type: number) => number;
}

const feature = (name: string, group: FeatureGroup, value: Feature['value']): Feature => ({
  name,
  group,
  value,
});
const MINOR = 100;
const MILLI = 1000;
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
function typeFeatures(halfLives: readonly number[]): Feature[] {
  return [
    feature('has', 'recency', (f, t) => Number(f.has(t))),
    feature('recency', 'recency', (f, t) => f.recency(t)),
    feature('tenure', 'tenure', (f, t) => f.tenure(t)),
    feature('lines', 'frequency', (f, t) => f.get(t, AT.lines)),
    feature('units', 'frequency', (f, t) => Math.abs(f.get(t, AT.units)) / MILLI),
    feature('visits', 'frequency', (f, t) => f.get(t, AT.visits)),
    feature('active_days', 'frequency', (f, t) => f.get(t, AT.activeDays)),
    feature('money', 'money', (f, t) => Math.abs(f.get(t, AT.money)) / MINOR),
    ...halfLives.flatMap((days, h) => [
      feature(`lines_half_${days}d`, 'frequency', (f, t) => f.decayed(t, h, DECAYED.lines)),
      feature(`visits_half_${days}d`, 'frequency', (f, t) => f.decayed(t, h, DECAYED.visits)),
      feature(`days_half_${days}d`, 'frequency', (f, t) => f.decayed(t, h, DECAYED.days)),
      feature(`money_half_${days}d`, 'money', (f, t) => f.decayed(t, h, DECAYED.money) / MINOR),
    ]),
    ...WINDOWS.flatMap((days, w) => [
      feature(`active_days_${days}d`, 'frequency', (f, t) => f.activeDays(t, w)),
      feature(`visits_${days}d`, 'frequency', (f, t) => f.visits(t, w)),
      feature(`money_${days}d`, 'money', (f, t) => f.money(t, w) / MINOR),
    ]),
    ...Array.from({ length: MONTHS }, (_, month) =>
      feature(`active_days_month_${month + 1}`, 'frequency', (f, t) => f.monthDays(t, month)),
    ),
    // Logarithm of active days per day that could have had one, drawn towards a common rate where little is known.
    ...WINDOWS.map((days, w) =>
      feature(`log_rate_${days}d`, 'frequency', (f, t) =>
        Math.log((f.activeDays(t, w) + 0.5) / (Math.min(days, f.tenure(t)) + 15)),
      ),
    ),
    feature('log_rate', 'frequency', (f, t) => Math.log((repeats(f, t) + 0.7) / (f.tenure(t) + 30))),
    feature('only_once', 'frequency', (f, t) => Number(f.get(t, AT.activeDays) === 1)),
    feature('only_twice', 'frequency', (f, t) => Number(f.get(t, AT.activeDays) === 2)),
    feature('trend', 'frequency', (f, t) =>
      Math.log((f.activeDays(t, 2) + 1) / (f.activeDays(t, 4) / 3 + 1)),
    ),
    feature('visits_per_day', 'frequency', (f, t) => ratio(f.get(t, AT.visits), f.get(t, AT.activeDays))),
    feature('money_per_day', 'money', (f, t) => moneyPerDay(f, t)),
    feature('money_last', 'money', (f, t) => f.lastMoney(t) / MINOR),
    feature('money_max', 'money', (f, t) => f.maxMoney(t) / MINOR),
    feature('money_last_over_mean', 'money', (f, t) => ratio(f.lastMoney(t) / MINOR, moneyPerDay(f, t))),
    feature('money_per_unit', 'money', (f, t) =>
      ratio(Math.abs(f.get(t, AT.money)) / MINOR, Math.abs(f.get(t, AT.units)) / MILLI),
    ),
    feature('money_per_visit', 'money', (f, t) =>
      ratio(Math.abs(f.get(t, AT.money)) / MINOR, f.get(t, AT.visits)),
    ),
    feature('money_per_line', 'money', (f, t) =>
      ratio(Math.abs(f.get(t, AT.money)) / MINOR, f.get(t, AT.lines)),
    ),
    feature('lines_per_visit', 'variety', (f, t) => ratio(f.get(t, AT.lines), f.get(t, AT.visits))),
    feature('units_per_line', 'variety', (f, t) =>
      ratio(Math.abs(f.get(t, AT.units)) / MILLI, f.get(t, AT.lines)),
    ),
    // An item counts again when it comes back after more than historyDays.
    feature('distinct_items', 'variety', (f, t) => f.get(t, AT.newItems)),
    feature('distinct_items_90d', 'variety', (f, t) => f.recentItems(t)),
    feature('new_item_share', 'variety', (f, t) => ratio(f.get(t, AT.newItems), f.get(t, AT.itemDays))),
    feature('repeat_items', 'variety', (f, t) => f.repeatItems(t)),
    feature('loyal_items', 'variety', (f, t) => f.loyalItems(t)),
    feature('repeat_item_share', 'variety', (f, t) => ratio(f.repeatItems(t), f.get(t, AT.newItems))),
    feature('lines_last', 'variety', (f, t) => f.lastLines(t)),
    feature('lines_per_day', 'variety', (f, t) => ratio(f.get(t, AT.lines), f.get(t, AT.activeDays))),
    feature('top_item_share', 'variety', (f, t) => ratio(f.topLines(t), f.get(t, AT.lines))),
    feature('gap_mean', 'gaps', (f, t) => f.gapMean(t)),
    feature('gap_deviation', 'gaps', (f, t) => f.gapDeviation(t)),
    feature('gap_last', 'gaps', (f, t) => f.get(t, AT.gapLast)),
    feature('gap_max', 'gaps', (f, t) => f.get(t, AT.gapMax)),
    feature('has_gap', 'gaps', (f, t) => Number(f.get(t, AT.gaps) > 0)),
    feature('recency_over_gap', 'gaps', (f, t) => ratio(f.recency(t), f.gapMean(t))),
    // In standard deviations, one day added so that a perfectly regular user does not divide by 0.
    feature('overdue', 'gaps', (f, t) =>
      f.get(t, AT.gaps) > 0 ? (f.recency(t) - f.gapMean(t)) / (f.gapDeviation(t) + 1) : 0,
    ),
    // The chance that a Poisson buyer of this mean gap has not come back yet, as in Fader, Hardie & Lee (2005).
    feature('still_waiting', 'gaps', (f, t) =>
      f.get(t, AT.gaps) > 0 ? Math.exp(-f.recency(t) / f.gapMean(t)) : 0,
    ),
    // The mean gap, one more gap of PRIOR_GAP days counted in: defined for everyone who did it once.
    feature('gap_expected', 'gaps', (f, t) => expectedGap(f, t)),
    feature('log_recency_over_expected', 'gaps', (f, t) => Math.log(f.recency(t) / expectedGap(f, t))),
    feature('waiting_expected', 'gaps', (f, t) => Math.exp(-f.recency(t) / expectedGap(f, t))),
    feature('log_recency_over_last', 'gaps', (f, t) => logOver(f.recency(t), f.get(t, AT.gapLast))),
    feature('log_recency_over_max', 'gaps', (f, t) => logOver(f.recency(t), f.get(t, AT.gapMax))),
    feature('gap_variation', 'gaps', (f, t) => f.gapDeviation(t) / (expectedGap(f, t) + 1)),
    feature('alive_15', 'gaps', (f, t) => alive(f, t, 15)),
    feature('alive_60', 'gaps', (f, t) => alive(f, t, 60)),
    // x / T and t_x / T of BG/NBD: repeat days per day of tenure, and how much of the tenure the active part is.
    feature('repeat_rate', 'gaps', (f, t) => ratio(Math.max(0, f.get(t, AT.activeDays) - 1), f.tenure(t))),
    feature('active_part', 'gaps', (f, t) =>
      f.has(t) ? ratio(f.get(t, AT.lastDay) - f.get(t, AT.firstDay), f.tenure(t)) : 0,
    ),
    ...Array.from({ length: DAY_PARTS }, (_, part) =>
      feature(`hours_${part * 4}_to_${part * 4 + 3}`, 'timing', (f, t) => f.partShare(t, part)),
    ),
    ...WEEKDAY_NAMES.map((name, weekday) =>
      feature(`on_${name}`, 'timing', (f, t) => f.weekdayShare(t, weekday)),
    ),
  ];
}

/** Features over all event types; ratios are 0 where there is nothing to divide by. */
const SHARED_FEATURES: Feature[] = [
  ...WINDOWS.map((days, w) => feature(`any_days_${days}d`, 'engagement', (f) => f.anyDays(w))),
  feature('any_recency', 'engagement', (f) => {
    let recency = f.recency(0);
    for (let t = 1; t < TYPES; t++) recency = Math.min(recency, f.recency(t));
    return recency;
  }),
  // Days of the last 30 against a third of those of the last 90: above 1 the user picks up.
  feature('trend', 'engagement', (f) => ratio(3 * f.anyDays(2), f.anyDays(4))),
  feature('purchases_per_view', 'engagement', (f) =>
    ratio(f.get(PURCHASE, AT.visits), f.get(VIEW, AT.lines)),
  ),
  feature('purchases_per_cart', 'engagement', (f) => ratio(f.get(PURCHASE, AT.lines), f.get(CART, AT.lines))),
  feature('return_line_share', 'returns', (f) => ratio(f.get(RETURN, AT.lines), f.get(PURCHASE, AT.lines))),
  feature('return_money_share', 'returns', (f) =>
    ratio(Math.abs(f.get(RETURN, AT.money)), Math.abs(f.get(PURCHASE, AT.money))),
  ),
];

/** The features of a config, in the order of the vector. */
export class FeatureTable {
  readonly names: readonly FeatureName[];
  readonly #perType: Feature[];
  /** Values of a type that the user never had. */
  readonly #never: Float32Array;
  readonly #facts = new Facts();

  constructor(config: Config) {
    const { halfLives, historyDays } = config.features;
    this.#perType = typeFeatures(halfLives);
    this.#never = Float32Array.from(this.#perType, ({ name }) => (name === 'recency' ? historyDays : 0));
    this.names = [
      ...EVENT_TYPES.flatMap((type) =>
        this.#perType.map(({ name, group }) => ({
          name: `${type}.${name}`,
          group: type === 'return' ? 'returns' : group,
        })),
      ),
      ...SHARED_FEATURES.map(({ name, group }) => ({ name, group })),
    ];
  }

  /** Length of the vector. */
  get length(): number {
    return this.names.length;
  }

  /**
   * Writes a user's features as of a day to out[offset, offset + length), rounded to float32. None is NaN.
   * @param state the fold of exactly the days before `day`
   */
  write(state: UserState, day: number, out: Float32Array, offset = 0): void {
    const facts = this.#facts;
    facts.look(state, day);
    let at = offset;
    for (let type = 0; type < TYPES; type++) {
      if (state.has(type)) {
        for (const { value } of this.#perType) out[at++] = value(facts, type);
      } else {
        out.set(this.#never, at);
        at += this.#never.length;
      }
    }
    for (const { value } of SHARED_FEATURES) out[at++] = value(facts, 0);
  }
}

const tables = new WeakMap<Config, FeatureTable>();

/** The feature table of a config, made once. */
export function featureTable(config: Config): FeatureTable {
  let table = tables.get(config);
  if (!table) {
    table = new FeatureTable(config);
    tables.set(config, table);
  }
  return table;
}

/** Names and groups in the order of the vector. Every event type is there; what is constant is dropped at training. */
export function featureNames(config: Config): readonly FeatureName[] {
  return featureTable(config).names;
}

/** Writes a user's features as of a day, see FeatureTable.write. */
export function featureVector(
  state: UserState,
  day: number,
  config: Config,
  out: Float32Array,
  offset = 0,
): void {
  featureTable(config).write(state, day, out, offset);
}
