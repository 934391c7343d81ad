import type { RecordBatch } from 'apache-arrow';
import { EVENT_TYPES, eventCode, formatDay, readBatches } from '../data/index.ts';
import type { RunManifest } from '../run/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';

/** Orders of the shop's own past: what a purchase is worth. */
export interface Orders {
  /** Purchases of one user in one session, or at one instant where there are no sessions; of a price above nothing. */
  readonly count: number;
  /** Mean value in major units. */
  readonly mean: number;
  /** 'YYYY-MM-DD' */
  readonly from: string;
  readonly to: string;
}

/** What the clean events of a run show, in one pass. */
export interface Past {
  /** Clean rows of each shop day by event type. */
  readonly days: { day: string; rows: Record<string, number> }[];
  /** Undefined where no purchase has a price. */
  readonly orders: Orders | undefined;
}

/** Orders of so many days before the as-of day count. */
const ORDER_DAYS = 365;
const MINOR = 100;
const PURCHASE = eventCode('purchase');

/**
 * Reads the events that a run lists, a batch in memory at a time.
 * @param before shop day from which on orders do not count
 */
export async function readPast(store: ObjectStore, manifest: RunManifest, before: number): Promise<Past> {
  const counts = new Map<number, Float64Array>();
  const orders = new OrderCounter(before);
  for (const { clean } of manifest.inputs.events) {
    const { batches } = await readBatches(await byteSource(store, clean));
    for await (const batch of batches) {
      countRows(batch, counts);
      orders.add(batch);
    }
  }
  return {
    days: [...counts]
      .sort(([a], [b]) => a - b)
      .map(([day, own]) => ({
        day: formatDay(day),
        rows: Object.fromEntries(EVENT_TYPES.flatMap((name, i) => (own[i]! > 0 ? [[name, own[i]!]] : []))),
      })),
    orders: orders.finish(),
  };
}

function countRows(batch: RecordBatch, counts: Map<number, Float64Array>): void {
  const day = batch.getChild('day');
  const type = batch.getChild('type');
  for (let row = 0; row < batch.numRows; row++) {
    const at: number = day?.get(row);
    let own = counts.get(at);
    if (!own) counts.set(at, (own = new Float64Array(EVENT_TYPES.length)));
    own[type?.get(row)]! += 1;
  }
}

/** Counts orders and their money. An order whose lines stand in two drops counts twice. */
class OrderCounter {
  readonly #before: number;
  #count = 0;
  #money = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  constructor(before: number) {
    this.#before = before;
  }

  /** Rows of one user stand together. */
  add(batch: RecordBatch): void {
    const [user, type, day, time, session, amount] = [
      ...['user', 'type', 'day', 'time', 'session', 'amount'],
    ].map((name) => batch.getChild(name));
    let of: unknown;
    let orders = new Set<string>();
    for (let row = 0; row < batch.numRows; row++) {
      if (type?.get(row) !== PURCHASE) continue;
      const at: number = day?.get(row);
      const money = Number(amount?.get(row) ?? 0);
      if (at >= this.#before || at < this.#before - ORDER_DAYS || !(money > 0)) continue;
      const who: unknown = user?.get(row);
      if (who !== of) {
        of = who;
        orders = new Set();
      }
      this.#money += money;
      this.#first = Math.min(this.#first, at);
      this.#last = Math.max(this.#last, at);
      const order = session?.get(row) ?? String(time?.get(row));
      if (orders.has(order)) continue;
      orders.add(order);
      this.#count++;
    }
  }

  finish(): Orders | undefined {
    if (this.#count === 0) return undefined;
    return {
      count: this.#count,
      mean: this.#money / MINOR / this.#count,
      from: formatDay(this.#first),
      to: formatDay(this.#last),
    };
  }
}
