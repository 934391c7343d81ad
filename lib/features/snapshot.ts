import { Field, Int32, makeData, type RecordBatch, Uint32, Utf8 } from 'apache-arrow';
import type { Config } from '../config/index.ts';
import { DataError, decodeArrow, encodeArrow, recordBatch } from '../data/index.ts';
import {
  columnData,
  float64Data,
  float64List,
  int32Column,
  int32Data,
  int32List,
  listColumn,
  listOf,
  numberColumn,
  plain,
  textColumn,
  textList,
  textOf,
  uint8Column,
  uint8Data,
  uint8List,
} from './columns.ts';
import { grown } from './grow.ts';
import type { Interner } from './interner.ts';
import { stateSpec, VISIT_ITEMS } from './spec.ts';
import { TYPES, type UserState } from './state.ts';

/**
 * Snapshots: the folded states of a shard's users as one Arrow file, exact to the bit. Each list column belongs to
 * one of five parts of a state, whose columns share their offsets.
 */

const SCALARS = [
  new Field('user', new Utf8(), false),
  new Field('hash', new Uint32(), false),
  new Field('day', new Int32(), false),
];
const PARTS = {
  /** One entry per event type that the user has. */
  types: ['type:u8'],
  /** The blocks of those types, one after the other. */
  numbers: ['numbers:f64'],
  hours: ['hours:f64'],
  days: ['day_of:i32', 'day_type:u8', 'day_lines:f64', 'day_visits:f64', 'day_money:f64'],
  items: [
    'item:text',
    'item_type:u8',
    'item_lines:f64',
    'item_units:f64',
    'item_days:i32',
    'item_first:i32',
    'item_last:i32',
    'item_short:f64',
    'item_long:f64',
  ],
  visits: [
    'token_time:f64',
    'token_day:i32',
    'token_type:u8',
    'token_hour:u8',
    'token_distinct:f64',
    'token_lines:f64',
    'token_units:f64',
    'token_money:f64',
    'token_item_count:u8',
  ],
  /** The main items of all visits, one after the other. */
  visitItems: ['token_items:text'],
} as const;
type Part = keyof typeof PARTS;
const PART_NAMES: Part[] = ['types', 'numbers', 'hours', 'days', 'items', 'visits', 'visitItems'];

type Values = Uint8Array | Int32Array | Float64Array;

/** A growing list column. Text columns hold interned names. */
class Growing {
  readonly field: Field;
  readonly text: boolean;
  values: Values;
  length = 0;

  /** @param spec name and kind, such as 'item_lines:f64' */
  constructor(spec: string) {
    const [name = '', kind = ''] = spec.split(':');
    this.text = kind === 'text';
    if (kind === 'u8') {
      this.field = uint8List(name);
      this.values = new Uint8Array(256);
    } else if (kind === 'f64') {
      this.field = float64List(name);
      this.values = new Float64Array(256);
    } else {
      this.field = this.text ? textList(name) : int32List(name);
      this.values = new Int32Array(256);
    }
  }

  push(value: number): void {
    this.values = grown(this.values, this.length + 1);
    this.values[this.length++] = value;
  }

  /** Appends source[start, end). */
  take(source: Values, start: number, end: number): void {
    this.values = grown(this.values, this.length + end - start);
    for (let i = start; i < end; i++) this.values[this.length++] = source[i]!;
  }

  /** Appends the values of rows. */
  pick(source: Values, rows: readonly number[]): void {
    this.values = grown(this.values, this.length + rows.length);
    for (const row of rows) this.values[this.length++] = source[row]!;
  }
}

/** Collects the states of a shard's users, in the order of (hash, user), and writes them as one file. */
export class SnapshotWriter {
  readonly #config: Config;
  readonly #items: Interner;
  readonly #day: number;
  readonly #users: string[] = [];
  #hash = new Uint32Array(256);
  #lastDay = new Int32Array(256);
  readonly #columns = new Map<Part, Growing[]>(
    PART_NAMES.map((part) => [part, PARTS[part].map((spec) => new Growing(spec))]),
  );
  readonly #offsets = new Map<Part, Int32Array>(PART_NAMES.map((part) => [part, new Int32Array(256)]));

  /** @param day states hold the days before this one */
  constructor(config: Config, items: Interner, day: number) {
    this.#config = config;
    this.#items = items;
    this.#day = day;
  }

  get rows(): number {
    return this.#users.length;
  }

  /** Adds a user's state; a user of whom nothing is known leaves no row. */
  add(user: string, hash: number, state: UserState): void {
    if (state.day === Number.NEGATIVE_INFINITY) return;
    const row = this.#users.push(user) - 1;
    this.#hash = grown(this.#hash, row + 1);
    this.#lastDay = grown(this.#lastDay, row + 1);
    this.#hash[row] = hash;
    this.#lastDay[row] = state.day;
    for (let type = 0; type < TYPES; type++) {
      if (!state.has(type)) continue;
      this.#column('types', 0).push(type);
      this.#column('numbers', 0).take(state.numbers, type * state.stride, (type + 1) * state.stride);
    }
    this.#column('hours', 0).take(state.hours, 0, state.hours.length);
    const { dayOf, dayType, dayLines, dayVisits, dayMoney } = state;
    for (const [index, values] of [dayOf, dayType, dayLines, dayVisits, dayMoney].entries()) {
      this.#column('days', index).take(values, state.dayStart, state.dayEnd);
    }
    this.#addItems(state);
    this.#addVisits(state);
    for (const part of PART_NAMES) {
      const offsets = grown(this.#offsets.get(part)!, row + 2);
      offsets[row + 1] = this.#columns.get(part)![0]!.length;
      this.#offsets.set(part, offsets);
    }
  }

  /** The file. It depends on the states alone, not on the order in which names were met. */
  encode(): Uint8Array {
    const rows = this.rows;
    const fields = [...SCALARS];
    const columns: Parameters<typeof recordBatch>[1] = [
      textOf(this.#users, rows),
      plain(new Uint32(), this.#hash.slice(0, rows)),
      plain(new Int32(), this.#lastDay.slice(0, rows)),
    ];
    for (const part of PART_NAMES) {
      const offsets = this.#offsets.get(part)!.slice(0, rows + 1);
      for (const column of this.#columns.get(part)!) {
        fields.push(column.field);
        columns.push(listOf(column.field, offsets, this.#data(column)));
      }
    }
    const metadata = { spec: stateSpec(this.#config), day: String(this.#day) };
    return encodeArrow(fields, [recordBatch(fields, columns, rows)], metadata);
  }

  #column(part: Part, index: number): Growing {
    return this.#columns.get(part)![index]!;
  }

  #addItems({ items, historyDays }: UserState): void {
    const rows: number[] = [];
    // An item this old starts anew when it comes back, so leaving it out changes nothing but the size.
    const oldest = this.#day - historyDays;
    for (let i = 0; i < items.size; i++) if (items.lastDay[i]! >= oldest) rows.push(i);
    rows.sort(
      (a, b) => items.type[a]! - items.type[b]! || this.#items.compare(items.item[a]!, items.item[b]!),
    );
    const { item, type, lines, units, days, firstDay, lastDay, short, long } = items;
    for (const [index, values] of [
      item,
      type,
      lines,
      units,
      days,
      firstDay,
      lastDay,
      short,
      long,
    ].entries()) {
      this.#column('items', index).pick(values, rows);
    }
  }

  #addVisits({ visits }: UserState): void {
    const { time, day, type, hour, distinctItems, lines, units, money, itemCount } = visits;
    const columns = [time, day, type, hour, distinctItems, lines, units, money, itemCount];
    for (const [index, values] of columns.entries()) {
      this.#column('visits', index).take(values, visits.start, visits.end);
    }
    const names = this.#column('visitItems', 0);
    for (let i = visits.start; i < visits.end; i++) {
      names.take(visits.items, i * VISIT_ITEMS, i * VISIT_ITEMS + itemCount[i]!);
    }
  }

  #data({ text, values, length }: Growing) {
    if (values instanceof Float64Array) return float64Data(values.slice(0, length));
    if (values instanceof Uint8Array) return uint8Data(values.slice(0, length));
    const ids = values.slice(0, length);
    if (!text) return int32Data(ids);
    const { offsets, bytes } = this.#items.concatenated(ids);
    return makeData({ type: new Utf8(), length, nullCount: 0, valueOffsets: offsets, data: bytes });
  }
}

/** A snapshot in memory; `load` puts one user's state back. */
export interface Snapshot {
  /** States hold the days before this one. */
  readonly day: number;
  readonly rows: number;
  readonly hash: Float64Array;
  user(row: number): string;
  load(row: number, state: UserState): void;
}

/**
 * Reads what `SnapshotWriter` wrote.
 * @throws DataError when the bytes are no snapshot, or one of other feature settings
 */
export function decodeSnapshot(bytes: Uint8Array, config: Config, items: Interner, name: string): Snapshot {
  const { schema, batches } = decodeArrow(bytes, name);
  const spec = schema.metadata.get('spec');
  if (spec !== stateSpec(config)) {
    throw new DataError(
      `${name} holds states of the settings ${spec ?? '(none)'}, expected ${stateSpec(config)}: fold from scratch`,
    );
  }
  const batch: RecordBatch = batches[0]!;
  const column = (field: string) => columnData(batch, field, name);
  const offsets = (field: string) => listColumn(column(field), field, name).offsets;
  const child = (field: string) => listColumn(column(field), field, name).child;
  const f64 = (field: string) => numberColumn(child(field), field, name);
  const i32 = (field: string) => int32Column(child(field), field, name);
  const u8 = (field: string) => uint8Column(child(field), field, name);
  const names = (field: string) => {
    const text = textColumn(child(field), field, name);
    const count = child(field).length;
    const ids = new Int32Array(count);
    for (let i = 0; i < count; i++) ids[i] = items.intern(text.bytes, text.offsets[i]!, text.offsets[i + 1]!);
    return ids;
  };

  const user = textColumn(column('user'), 'user', name);
  const userBytes = Buffer.from(user.bytes.buffer, user.bytes.byteOffset, user.bytes.byteLength);
  const lastDay = int32Column(column('day'), 'day', name);
  const types = { at: offsets('type'), type: u8('type'), numbers: f64('numbers') };
  const hours = f64('hours');
  const days = {
    at: offsets('day_of'),
    of: i32('day_of'),
    type: u8('day_type'),
    lines: f64('day_lines'),
    visits: f64('day_visits'),
    money: f64('day_money'),
  };
  const item = {
    at: offsets('item'),
    item: names('item'),
    type: u8('item_type'),
    lines: f64('item_lines'),
    units: f64('item_units'),
    days: i32('item_days'),
    first: i32('item_first'),
    last: i32('item_last'),
    short: f64('item_short'),
    long: f64('item_long'),
  };
  const visit = {
    at: offsets('token_time'),
    time: f64('token_time'),
    day: i32('token_day'),
    type: u8('token_type'),
    hour: u8('token_hour'),
    distinct: f64('token_distinct'),
    lines: f64('token_lines'),
    units: f64('token_units'),
    money: f64('token_money'),
    itemCount: u8('token_item_count'),
    itemsAt: offsets('token_items'),
    items: names('token_items'),
  };

  return {
    day: Number(schema.metadata.get('day')),
    rows: batch.numRows,
    hash: numberColumn(column('hash'), 'hash', name),
    user: (row) => userBytes.toString('utf8', user.offsets[row]!, user.offsets[row + 1]!),
    load(row, state) {
      state.reset();
      state.day = lastDay[row]!;
      for (let i = types.at[row]!; i < types.at[row + 1]!; i++) {
        const block = types.numbers.subarray(i * state.stride, (i + 1) * state.stride);
        state.numbers.set(block, types.type[i]! * state.stride);
      }
      state.hours.set(hours.subarray(row * 24, row * 24 + 24));
      for (let i = days.at[row]!; i < days.at[row + 1]!; i++) {
        state.pushDay(days.of[i]!, days.type[i]!, days.lines[i]!, days.visits[i]!, days.money[i]!);
      }
      for (let i = item.at[row]!; i < item.at[row + 1]!; i++) {
        const at = state.items.row(item.item[i]!, item.type[i]!);
        state.items.lines[at] = item.lines[i]!;
        state.items.units[at] = item.units[i]!;
        state.items.days[at] = item.days[i]!;
        state.items.firstDay[at] = item.first[i]!;
        state.items.lastDay[at] = item.last[i]!;
        state.items.short[at] = item.short[i]!;
        state.items.long[at] = item.long[i]!;
      }
      let name = visit.itemsAt[row]!;
      for (let i = visit.at[row]!; i < visit.at[row + 1]!; i++) {
        const at = state.visits.push();
        state.visits.time[at] = visit.time[i]!;
        state.visits.day[at] = visit.day[i]!;
        state.visits.type[at] = visit.type[i]!;
        state.visits.hour[at] = visit.hour[i]!;
        state.visits.distinctItems[at] = visit.distinct[i]!;
        state.visits.lines[at] = visit.lines[i]!;
        state.visits.units[at] = visit.units[i]!;
        state.visits.money[at] = visit.money[i]!;
        state.visits.itemCount[at] = visit.itemCount[i]!;
        for (let j = 0; j < visit.itemCount[i]!; j++)
          state.visits.items[at * VISIT_ITEMS + j] = visit.items[name++]!;
      }
    },
  };
}
