import { AT, DAY_PARTS, TYPES, type UserState } from './state.ts';

/** Windows before the as-of day, in days. */
export const WINDOWS = [7, 14, 30, 60, 90, 180, 365] as const;
const COUNT = WINDOWS.length;
/** Successive spans of 30 days before the as-of day. */
export const MONTHS = 6;
const WEEKDAYS = 7;

/** Weekday of a shop day. 1970-01-01 was a Thursday; Monday is 0. */
export const weekdayOf = (day: number): number => (((day + 3) % WEEKDAYS) + WEEKDAYS) % WEEKDAYS;

/**
 * One user at one as-of day, ready to be asked for numbers: what the feature table reads. `look` walks the recent
 * days and the items once; every method is then a look-up. One object serves many users.
 */
export class Facts {
  day = 0;
  readonly #days = new Float64Array(TYPES * COUNT);
  readonly #visits = new Float64Array(TYPES * COUNT);
  readonly #money = new Float64Array(TYPES * COUNT);
  readonly #months = new Float64Array(TYPES * MONTHS);
  readonly #lastMoney = new Float64Array(TYPES);
  readonly #lastLines = new Float64Array(TYPES);
  readonly #maxMoney = new Float64Array(TYPES);
  readonly #weekdays = new Float64Array(TYPES * WEEKDAYS);
  /** Distinct days of any type per window. */
  readonly #anyDays = new Float64Array(COUNT);
  readonly #recentItems = new Float64Array(TYPES);
  readonly #repeatItems = new Float64Array(TYPES);
  readonly #loyalItems = new Float64Array(TYPES);
  readonly #topLines = new Float64Array(TYPES);
  #state: UserState | undefined;

  /** Takes a state that holds exactly the days before `day`. */
  look(state: UserState, day: number): void {
    this.#state = state;
    this.day = day;
    this.#lookAtDays(state, day);
    this.#lookAtItems(state, day);
  }

  get state(): UserState {
    return this.#state!;
  }

  has(type: number): boolean {
    return this.state.has(type);
  }

  get(type: number, place: number): number {
    return this.state.get(type, place);
  }

  decayed(type: number, halfLife: number, sum: number): number {
    return this.state.decayed(type, halfLife, sum, this.day);
  }

  /** Days since the last active day, 1 being yesterday; `historyDays` when there is none. */
  recency(type: number): number {
    const { historyDays } = this.state;
    return this.has(type) ? Math.min(historyDays, this.day - this.get(type, AT.lastDay)) : historyDays;
  }

  /** Days since the first active day; 0 when there is none. */
  tenure(type: number): number {
    return this.has(type) ? this.day - this.get(type, AT.firstDay) : 0;
  }

  /** Active days within a window; `window` counts WINDOWS. */
  activeDays(type: number, window: number): number {
    return this.#days[type * COUNT + window]!;
  }

  visits(type: number, window: number): number {
    return this.#visits[type * COUNT + window]!;
  }

  /** Absolute value of the money within a window, minor units. */
  money(type: number, window: number): number {
    return Math.abs(this.#money[type * COUNT + window]!);
  }

  /** Active days in the span of 30 days that begins `month` spans back; 0 is the latest. */
  monthDays(type: number, month: number): number {
    return this.#months[type * MONTHS + month]!;
  }

  /** Of the last active day, while it is no older than `historyDays`. */
  lastLines(type: number): number {
    return this.#lastLines[type]!;
  }

  /** Absolute money of the last active day, while it is no older than `historyDays`; minor units. */
  lastMoney(type: number): number {
    return this.#lastMoney[type]!;
  }

  /** The most absolute money of one day within `historyDays`; minor units. */
  maxMoney(type: number): number {
    return this.#maxMoney[type]!;
  }

  /** Days with any event within a window. */
  anyDays(window: number): number {
    return this.#anyDays[window]!;
  }

  /** Share of the recent active days that fall on a weekday, Monday being 0. */
  weekdayShare(type: number, weekday: number): number {
    let all = 0;
    for (let i = 0; i < WEEKDAYS; i++) all += this.#weekdays[type * WEEKDAYS + i]!;
    return ratio(this.#weekdays[type * WEEKDAYS + weekday]!, all);
  }

  /** Share of all lines in a part of the day. */
  partShare(type: number, part: number): number {
    let all = 0;
    for (let i = 0; i < DAY_PARTS; i++) all += this.get(type, AT.parts + i);
    return ratio(this.get(type, AT.parts + part), all);
  }

  /** Mean gap between active days; 0 with fewer than two. */
  gapMean(type: number): number {
    return ratio(this.get(type, AT.gapSum), this.get(type, AT.gaps));
  }

  /** Population standard deviation of the gaps; 0 with fewer than two gaps. */
  gapDeviation(type: number): number {
    const mean = this.gapMean(type);
    const variance = ratio(this.get(type, AT.gapSquares), this.get(type, AT.gaps)) - mean * mean;
    return Math.sqrt(Math.max(0, variance));
  }

  /** Distinct items of the last 90 days. */
  recentItems(type: number): number {
    return this.#recentItems[type]!;
  }

  /** Items met on two days or more within `historyDays`. */
  repeatItems(type: number): number {
    return this.#repeatItems[type]!;
  }

  /** Items met on three days or more within `historyDays`. */
  loyalItems(type: number): number {
    return this.#loyalItems[type]!;
  }

  /** Lines of the most frequent item. */
  topLines(type: number): number {
    return this.#topLines[type]!;
  }

  #lookAtDays(state: UserState, day: number): void {
    this.#days.fill(0);
    this.#visits.fill(0);
    this.#money.fill(0);
    this.#months.fill(0);
    this.#lastMoney.fill(0);
    this.#lastLines.fill(0);
    this.#maxMoney.fill(0);
    this.#weekdays.fill(0);
    this.#anyDays.fill(0);
    let other = Number.NEGATIVE_INFINITY;
    for (let i = state.dayEnd - 1; i >= state.dayStart; i--) {
      const of = state.dayOf[i]!;
      const age = day - of;
      if (age > state.historyDays) break;
      const type = state.dayType[i]!;
      this.#weekdays[type * WEEKDAYS + weekdayOf(of)]! += 1;
      const money = Math.abs(state.dayMoney[i]!);
      if (of === state.get(type, AT.lastDay)) {
        this.#lastMoney[type] = money;
        this.#lastLines[type] = state.dayLines[i]!;
      }
      if (money > this.#maxMoney[type]!) this.#maxMoney[type] = money;
      if (age <= 30 * MONTHS) this.#months[type * MONTHS + Math.floor((age - 1) / 30)]! += 1;
      for (let w = COUNT - 1; w >= 0 && age <= WINDOWS[w]!; w--) {
        this.#days[type * COUNT + w]! += 1;
        this.#visits[type * COUNT + w]! += state.dayVisits[i]!;
        this.#money[type * COUNT + w]! += state.dayMoney[i]!;
        if (of !== other) this.#anyDays[w]! += 1;
      }
      other = of;
    }
  }

  #lookAtItems({ items, historyDays }: UserState, day: number): void {
    this.#recentItems.fill(0);
    this.#repeatItems.fill(0);
    this.#loyalItems.fill(0);
    this.#topLines.fill(0);
    for (let i = 0; i < items.size; i++) {
      const age = day - items.lastDay[i]!;
      if (age > historyDays) continue;
      const type = items.type[i]!;
      if (age <= 90) this.#recentItems[type]! += 1;
      if (items.days[i]! > 1) this.#repeatItems[type]! += 1;
      if (items.days[i]! > 2) this.#loyalItems[type]! += 1;
      if (items.lines[i]! > this.#topLines[type]!) this.#topLines[type] = items.lines[i]!;
    }
  }
}

/** 0 where there is nothing to divide by. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
