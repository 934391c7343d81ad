import { grown } from './grow.ts';
import { VISIT_ITEMS } from './spec.ts';

/**
 * A user's last visits, oldest first, as parallel columns: events of one user, type and visit key form one visit.
 * They are rows [start, end) of the columns.
 */
export class VisitList {
  readonly limit: number;
  start = 0;
  end = 0;
  /** First event, ms UTC. */
  time = new Float64Array(64);
  day = new Int32Array(64);
  type = new Uint8Array(64);
  /** Hour of the first event in the shop's zone. */
  hour = new Uint8Array(64);
  distinctItems = new Float64Array(64);
  lines = new Float64Array(64);
  /** Thousandths. */
  units = new Float64Array(64);
  /** Minor units, signed. */
  money = new Float64Array(64);
  /** How many of the row's `VISIT_ITEMS` places in `items` are used. */
  itemCount = new Uint8Array(64);
  /** Row i's main items by lines, then name: [i * VISIT_ITEMS, i * VISIT_ITEMS + itemCount[i]). Interned. */
  items = new Int32Array(64 * VISIT_ITEMS);

  constructor(limit: number) {
    this.limit = limit;
  }

  get length(): number {
    return this.end - this.start;
  }

  reset(): void {
    this.start = 0;
    this.end = 0;
  }

  /** Makes room for one more row and returns its number. */
  push(): number {
    const at = this.end++;
    if (at >= this.time.length) {
      this.time = grown(this.time, at + 1);
      this.day = grown(this.day, at + 1);
      this.type = grown(this.type, at + 1);
      this.hour = grown(this.hour, at + 1);
      this.distinctItems = grown(this.distinctItems, at + 1);
      this.lines = grown(this.lines, at + 1);
      this.units = grown(this.units, at + 1);
      this.money = grown(this.money, at + 1);
      this.itemCount = grown(this.itemCount, at + 1);
      this.items = grown(this.items, this.time.length * VISIT_ITEMS);
    }
    return at;
  }

  /** Copies row `from` of another list to the end of this one. */
  append(other: VisitList, from: number): void {
    const at = this.push();
    this.time[at] = other.time[from]!;
    this.day[at] = other.day[from]!;
    this.type[at] = other.type[from]!;
    this.hour[at] = other.hour[from]!;
    this.distinctItems[at] = other.distinctItems[from]!;
    this.lines[at] = other.lines[from]!;
    this.units[at] = other.units[from]!;
    this.money[at] = other.money[from]!;
    this.itemCount[at] = other.itemCount[from]!;
    for (let i = 0; i < VISIT_ITEMS; i++) {
      this.items[at * VISIT_ITEMS + i] = other.items[from * VISIT_ITEMS + i]!;
    }
  }

  /** Forgets all but the last `limit` rows. */
  trim(): void {
    this.start = Math.max(this.start, this.end - this.limit);
    if (this.start < 4 * this.limit) return;
    const { start, end } = this;
    for (const column of [
      this.time,
      this.day,
      this.type,
      this.hour,
      this.distinctItems,
      this.lines,
      this.units,
      this.money,
      this.itemCount,
    ]) {
      column.copyWithin(0, start, end);
    }
    this.items.copyWithin(0, start * VISIT_ITEMS, end * VISIT_ITEMS);
    this.end -= start;
    this.start = 0;
  }
}
