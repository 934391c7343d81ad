import { grown } from './grow.ts';
import { ITEM_HALF_LIVES } from './spec.ts';

const [SHORT, LONG] = ITEM_HALF_LIVES;

/**
 * What one user did with each item, per event type: an open-addressing table over (item, type) with parallel
 * columns. Reset between users keeps the memory and clears only what a small user needs.
 *
 * A day's lines are summed before they enter the decayed sums, so the order of events within a day never shows.
 * An item unseen for more than `historyDays` starts anew, whether or not its old row is still there.
 */
export class ItemMap {
  readonly historyDays: number;
  size = 0;
  item = new Int32Array(64);
  type = new Uint8Array(64);
  lines = new Float64Array(64);
  units = new Float64Array(64);
  /** Distinct days. */
  days = new Int32Array(64);
  firstDay = new Int32Array(64);
  lastDay = new Int32Array(64);
  /** Lines decayed at the two item half-lives; they refer to `lastDay`. */
  short = new Float64Array(64);
  long = new Float64Array(64);

  #slots = new Int32Array(128).fill(-1);
  #mask = 127;
  #touched = new Int32Array(64);
  #touchedCount = 0;
  #dayLines = new Float64Array(64);
  #dayUnits = new Float64Array(64);
  readonly #decayShort: Float64Array;
  readonly #decayLong: Float64Array;

  constructor(historyDays: number) {
    this.historyDays = historyDays;
    this.#decayShort = Float64Array.from({ length: historyDays + 1 }, (_, gap) => 2 ** (-gap / SHORT));
    this.#decayLong = Float64Array.from({ length: historyDays + 1 }, (_, gap) => 2 ** (-gap / LONG));
  }

  reset(): void {
    this.size = 0;
    this.#touchedCount = 0;
    this.#mask = 127;
    this.#slots.fill(-1, 0, 128);
  }

  /** Notes lines of the day that is being added; `settle` ends the day. */
  touch(item: number, type: number, lines: number, units: number): void {
    const at = this.row(item, type);
    if (this.#dayLines[at] === 0) {
      this.#touched = grown(this.#touched, this.#touchedCount + 1);
      this.#touched[this.#touchedCount++] = at;
    }
    this.#dayLines[at]! += lines;
    this.#dayUnits[at]! += units;
  }

  /**
   * Ends the day: adds what was noted.
   * @param onItem called with the type of each (item, type) and whether it is new to the user
   */
  settle(day: number, onItem: (type: number, isNew: boolean) => void): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const at = this.#touched[i]!;
      const lines = this.#dayLines[at]!;
      const units = this.#dayUnits[at]!;
      this.#dayLines[at] = 0;
      this.#dayUnits[at] = 0;
      const gap = day - this.lastDay[at]!;
      const isNew = this.days[at] === 0 || gap > this.historyDays;
      if (isNew) {
        this.lines[at] = lines;
        this.units[at] = units;
        this.days[at] = 1;
        this.firstDay[at] = day;
        this.short[at] = lines;
        this.long[at] = lines;
      } else {
        this.lines[at]! += lines;
        this.units[at]! += units;
        this.days[at]! += 1;
        this.short[at] = this.short[at]! * this.#decayShort[gap]! + lines;
        this.long[at] = this.long[at]! * this.#decayLong[gap]! + lines;
      }
      this.lastDay[at] = day;
      onItem(this.type[at]!, isNew);
    }
    this.#touchedCount = 0;
  }

  /** The row of (item, type), made with zero days where there was none. */
  row(item: number, type: number): number {
    let slot = slotOf(item, type) & this.#mask;
    for (let at = this.#slots[slot]!; at >= 0; at = this.#slots[slot]!) {
      if (this.item[at] === item && this.type[at] === type) return at;
      slot = (slot + 1) & this.#mask;
    }
    const at = this.size++;
    if (at >= this.item.length) this.#grow();
    this.item[at] = item;
    this.type[at] = type;
    this.days[at] = 0;
    this.#dayLines[at] = 0;
    this.#dayUnits[at] = 0;
    this.#slots[slot] = at;
    if (this.size * 2 > this.#mask) this.#rehash();
    return at;
  }

  /** The row of (item, type), or -1. */
  find(item: number, type: number): number {
    let slot = slotOf(item, type) & this.#mask;
    for (let at = this.#slots[slot]!; at >= 0; at = this.#slots[slot]!) {
      if (this.item[at] === item && this.type[at] === type) return at;
      slot = (slot + 1) & this.#mask;
    }
    return -1;
  }

  /** Lines of a row decayed to the day, at the 30-day (`short`) and the 90-day half-life (`long`). */
  decayed(at: number, day: number): { short: number; long: number } {
    const gap = day - this.lastDay[at]!;
    return { short: this.short[at]! * 2 ** (-gap / SHORT), long: this.long[at]! * 2 ** (-gap / LONG) };
  }

  #grow(): void {
    const room = this.size * 2;
    this.item = grown(this.item, room);
    this.type = grown(this.type, room);
    this.lines = grown(this.lines, room);
    this.units = grown(this.units, room);
    this.days = grown(this.days, room);
    this.firstDay = grown(this.firstDay, room);
    this.lastDay = grown(this.lastDay, room);
    this.short = grown(this.short, room);
    this.long = grown(this.long, room);
    this.#dayLines = grown(this.#dayLines, room);
    this.#dayUnits = grown(this.#dayUnits, room);
  }

  #rehash(): void {
    const length = (this.#mask + 1) * 4;
    if (this.#slots.length < length) this.#slots = new Int32Array(length);
    this.#slots.fill(-1, 0, length);
    this.#mask = length - 1;
    for (let at = 0; at < this.size; at++) {
      let slot = slotOf(this.item[at]!, this.type[at]!) & this.#mask;
      while (this.#slots[slot]! >= 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = at;
    }
  }
}

function slotOf(item: number, type: number): number {
  const hash = Math.imul(item * 16 + type, 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
