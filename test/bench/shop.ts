import {
  Field,
  Float64,
  Int32,
  Int64,
  type makeData,
  type RecordBatch,
  TimestampMillisecond,
  Uint8,
  Uint32,
  Utf8,
} from 'apache-arrow';
import { type Config, parseConfig } from '../../lib/config/index.ts';
import { batchCount, DAY_MS, eventCode, recordBatch, userHash } from '../../lib/data/index.ts';
import { type DayInput, daysKey, encodeDays } from '../../lib/features/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { unit } from './support.ts';

/** A generated shop: the same users and events for the same settings, day by day, without holding more than a day. */
export interface ShopSize {
  readonly users: number;
  /** Share of the users who come on a day, one in `every` at least. */
  readonly daily: number;
  /** Everyone comes once in so many days, at least; default 30. */
  readonly every?: number;
  /** Lines of a visit, on average. */
  readonly lines: number;
}

export interface Shop extends ShopSize {
  /** Pseudonyms in the order of (hash, pseudonym), and their hashes. */
  readonly names: readonly string[];
  readonly hashes: Uint32Array;
}

/** The first shop day of all generated shops (2024-01-01). */
export const FIRST_DAY = 19_723;
const ITEMS = 5000;
const MONTH = 30;
/** A prime: multiples of it, modulo the number of users, are all different. */
const SCATTER = 7_368_787;
const VIEW = eventCode('view');
const PURCHASE = eventCode('purchase');

export function shopConfig(shards: number, threads = 2): Config {
  return parseConfig({
    shop: { timeZone: 'UTC' },
    sources: {},
    tasks: {
      purchase: { kind: 'event', horizonDays: 30 },
      churn: { kind: 'absence', horizonDays: 30, activeDays: 90 },
    },
    shards,
    training: { threads },
  });
}

/** @param pseudonymOf the name that stands for customer i in all files */
export function openShop(size: ShopSize, pseudonymOf: (id: string) => string): Shop {
  const names = Array.from({ length: size.users }, (_, i) => pseudonymOf(`customer-${i}`));
  const own = Uint32Array.from(names, userHash);
  const order = Uint32Array.from(names, (_, i) => i).sort(
    (a, b) => own[a]! - own[b]! || (names[a]! < names[b]! ? -1 : 1),
  );
  return {
    ...size,
    names: Array.from(order, (i) => names[i]!),
    hashes: Uint32Array.from(order, (i) => own[i]!),
  };
}

/** Writes the day files of the days [from, to), one drop a day. @returns what runs list, and the events in them */
export async function writeDays(
  store: ObjectStore,
  config: Config,
  shop: Shop,
  from: number,
  to: number,
): Promise<{ inputs: DayInput[]; events: number }> {
  const inputs: DayInput[] = [];
  let events = 0;
  for (let day = from; day < to; day++) {
    const dropId = `day${day}`;
    const key = daysKey(config, `clean/events/${dropId}/r1.arrow`);
    const rows = visitors(shop, day);
    events += rows.lines;
    await store.put(key, encodeDays(dayBatches(shop, day, rows, config.shards), key));
    inputs.push({ key, dropId, revision: 'r1', minDay: FIRST_DAY + day, maxDay: FIRST_DAY + day });
  }
  return { inputs, events };
}

interface Visitors {
  readonly users: number[];
  readonly lines: number;
}

const linesOf = (shop: Shop, user: number, day: number): number =>
  1 + Math.floor(unit(user, day + 10_000) * (2 * shop.lines - 1));

function visitors(shop: Shop, day: number): Visitors {
  const { every = MONTH, users: all } = shop;
  const users = new Set<number>();
  // Everyone comes once in a while. Besides, some come often and most come seldom; the mean is about as asked.
  for (let user = day % every; user < all; user += every) users.add(user);
  const often = Math.round((shop.daily - 1 / every) * all);
  // Neighbours have neighbouring hashes: who comes often is scattered over them.
  for (let k = 0; k < often; k++) users.add((Math.floor(unit(day, k) ** 3 * all) * SCATTER) % all);
  const sorted = Array.from(Uint32Array.from(users).sort());
  return { users: sorted, lines: sorted.reduce((sum, user) => sum + linesOf(shop, user, day), 0) };
}

const FIELDS = [
  new Field('user', new Utf8(), false),
  new Field('hash', new Uint32(), false),
  new Field('time', new TimestampMillisecond('UTC'), false),
  new Field('day', new Int32(), false),
  new Field('hour', new Uint8(), false),
  new Field('type', new Uint8(), false),
  new Field('item', new Utf8(), true),
  new Field('quantity', new Float64(), false),
  new Field('amount', new Int64(), true),
];

/** A day's clean events, one batch per range of hashes. */
function dayBatches(shop: Shop, day: number, { users, lines }: Visitors, shards: number): RecordBatch[] {
  const count = batchCount(lines, shards);
  let next = 0;
  return Array.from({ length: count }, (_, batch) => {
    const limit = ((batch + 1) / count) * 2 ** 32;
    const first = next;
    while (next < users.length && shop.hashes[users[next]!]! < limit) next++;
    return dayBatch(shop, day, users.slice(first, next));
  });
}

function dayBatch(shop: Shop, day: number, users: readonly number[]): RecordBatch {
  const rows = users.reduce((sum, user) => sum + linesOf(shop, user, day), 0);
  const names: string[] = [];
  const items: string[] = [];
  const hash = new Uint32Array(rows);
  const time = new BigInt64Array(rows);
  const hour = new Uint8Array(rows);
  const type = new Uint8Array(rows);
  const quantity = new Float64Array(rows);
  const amount = new BigInt64Array(rows);
  let row = 0;
  for (const user of users) {
    const seed = user * 401 + day;
    const second = Math.floor(unit(seed, 1) * 86_400);
    const code = unit(seed, 2) < 0.5 ? PURCHASE : VIEW;
    for (let line = linesOf(shop, user, day); line > 0; line--) {
      names.push(shop.names[user]!);
      items.push(`item-${Math.floor(unit(seed, 2 + line) ** 2 * ITEMS)}`);
      hash[row] = shop.hashes[user]!;
      time[row] = BigInt((FIRST_DAY + day) * DAY_MS + second * 1000);
      hour[row] = Math.floor(second / 3600);
      type[row] = code;
      quantity[row] = 1;
      amount[row] = code === PURCHASE ? BigInt(100 + Math.floor(unit(seed, -line) * 9900)) : 0n;
      row++;
    }
  }
  const days = new Int32Array(rows).fill(FIRST_DAY + day);
  const columns = [
    text(names),
    plain(new Uint32(), hash),
    plain(new TimestampMillisecond('UTC'), time),
    plain(new Int32(), days),
    plain(new Uint8(), hour),
    plain(new Uint8(), type),
    text(items),
    plain(new Float64(), quantity),
    plain(new Int64(), amount),
  ];
  return recordBatch(FIELDS, columns, rows);
}

function plain(
  type: Parameters<typeof makeData>[0]['type'],
  data: Uint8Array | Uint32Array | Int32Array | Float64Array | BigInt64Array,
) {
  return { type, length: data.length, nullCount: 0, data };
}

function text(values: readonly string[]) {
  const valueOffsets = new Int32Array(values.length + 1);
  const data = Buffer.from(values.join(''));
  values.forEach((value, i) => {
    valueOffsets[i + 1] = valueOffsets[i]! + value.length;
  });
  return { type: new Utf8(), length: values.length, nullCount: 0, valueOffsets, data };
}
