import type { RecordBatch } from 'apache-arrow';
import type { Config } from '../config/index.ts';
import { DataError, decodeArrow, readBatches, streamArrow } from '../data/index.ts';
import { byteSource, type ObjectStore } from '../runtime/index.ts';
import { columnData, numberColumn, optionalColumn, textColumn } from './columns.ts';
import { canonicalEntries, EntryBuilder } from './days.ts';
import { DAY_FIELDS, DayRows } from './days-file.ts';
import { hash53 } from './hash.ts';
import { Interner } from './interner.ts';
import { daysSpec } from './spec.ts';
import { KeyRows, keysKey, parseEventId } from './versions/index.ts';

const CLEAN_EVENTS = /^clean\/events\/([0-9a-z]+)\/([0-9a-z]+)\.arrow$/;

/** Does the key name a clean events object? */
export function isCleanEvents(key: string): boolean {
  return CLEAN_EVENTS.test(key);
}

/** Where the day rows of a clean events object stand. @throws DataError for any other key */
export function daysKey(_config: Config, cleanKey: string): string {
  const match = CLEAN_EVENTS.exec(cleanKey);
  if (!match) {
    throw new DataError(
      `"${cleanKey}" is no clean events object: expected clean/events/<dropId>/<revision>.arrow`,
    );
  }
  return `days/${daysSpec()}/${match[1]}/${match[2]}.arrow`;
}

/** A larger object is read and written batch by batch. */
const BYTES_IN_MEMORY = 64 << 20;

/**
 * Stage "features" of one drop: sums its clean events into one row per user and shop day, and before that writes the
 * identities of its lines where a source has a key, and of those that it withdraws, so that day rows never stand without them.
 * The objects are pure functions of what clean has put before the clean object, and of that, and are written once; where the day rows stand already nothing changes.
 * @returns their key and whether this call wrote it
 * @throws DataError when the key or the object is no clean events file
 */
export async function buildDays(args: {
  store: ObjectStore;
  config: Config;
  cleanKey: string;
}): Promise<{ key: string; written: boolean }> {
  const { store, config, cleanKey } = args;
  const key = daysKey(config, cleanKey);
  if (await store.head(key)) return { key, written: false };
  const source = await byteSource(store, cleanKey);
  const keys = new KeyRows();
  const putKeys = async () => {
    // An empty one, too, in a shop that may ask for it: else the clean rows have to be read to know that there are none.
    if (keys.rows === 0 && !hasKeys(config)) return;
    const [, dropId = '', revision = ''] = CLEAN_EVENTS.exec(cleanKey) ?? [];
    await keys.addWithdrawn(store, { dropId, revision });
    await store.put(keysKey({ dropId, revision }), keys.encode(), { ifAbsent: true });
  };
  if (source.size > BYTES_IN_MEMORY) {
    const body = await streamDays(await readBatches(source), cleanKey, keys, putKeys);
    const { written } = await store.put(key, body, { ifAbsent: true });
    return { key, written };
  }
  const { batches } = decodeArrow(await source.read(0, source.size), cleanKey);
  for (const batch of batches) keys.add(batch, cleanKey);
  await putKeys();
  const { written } = await store.put(key, encodeDays(batches, cleanKey), { ifAbsent: true });
  return { key, written };
}

/** Has the shop a source whose events have identities? */
const hasKeys = ({ sources }: Config): boolean =>
  Object.values(sources).some(({ table, key = [] }) => table === 'events' && key.length > 0);

/** The day file of clean batches, which stand in the order of their user ranges and are sorted by hash, user, time. */
export function encodeDays(batches: readonly RecordBatch[], name: string): Uint8Array {
  const items = new Interner();
  const days = new DayRows(items);
  for (const batch of batches) if (batch.numRows > 0) addBatch(days, batch, items, name);
  return days.encode(Math.max(1, batches.length));
}

/**
 * The day file of many batches: one for one, and no more than one of them in memory.
 * @param keys gets the identities of all lines
 * @param beforeEnd is awaited before the last bytes: until then the file does not stand
 */
async function streamDays(
  { count, batches }: { count: number; batches: AsyncIterable<RecordBatch> },
  name: string,
  keys: KeyRows,
  beforeEnd: () => Promise<void>,
): Promise<AsyncIterable<Uint8Array>> {
  return streamArrow(DAY_FIELDS, rowsOf(), count);

  async function* rowsOf() {
    for await (const batch of batches) {
      const items = new Interner();
      const days = new DayRows(items);
      keys.add(batch, name);
      if (batch.numRows > 0) addBatch(days, batch, items, name);
      yield days.batch();
    }
    await beforeEnd();
  }
}

function addBatch(days: DayRows, batch: RecordBatch, items: Interner, file: string): void {
  const numbers = (column: string) => numberColumn(columnData(batch, column, file), column, file);
  const text = (column: string) => {
    const data = optionalColumn(batch, column);
    return data ? textColumn(data, column, file) : undefined;
  };
  const user = textColumn(columnData(batch, 'user', file), 'user', file);
  const hash = numbers('hash');
  const day = numbers('day');
  const time = numbers('time');
  const hour = numbers('hour');
  const type = numbers('type');
  const quantity = numbers('quantity');
  const amount = numbers('amount');
  const item = text('item');
  const session = text('session');
  const id = text('id');
  const filled = (column: typeof item, row: number) =>
    column?.has(row) === true && column.offsets[row + 1]! > column.offsets[row]!;
  const hashed = (column: NonNullable<typeof item>, row: number) =>
    hash53(column.bytes, column.offsets[row]!, column.offsets[row + 1]!);

  const one = {
    type: new Uint8Array(1),
    key: new Float64Array(1),
    time: new Float64Array(1),
    hour: new Uint8Array(1),
    item: new Int32Array(1),
    lines: Int32Array.of(1),
    units: new Float64Array(1),
    money: new Float64Array(1),
    id: new Uint32Array(2),
  };
  const all = new EntryBuilder();
  const entries = new EntryBuilder();
  let start = 0;
  for (let row = 0; row < batch.numRows; row = start) {
    all.clear();
    do {
      one.type[0] = type[start]!;
      one.time[0] = time[start]!;
      one.hour[0] = hour[start]!;
      one.key[0] = session && filled(session, start) ? hashed(session, start) : time[start]!;
      one.item[0] =
        item && filled(item, start)
          ? items.intern(item.bytes, item.offsets[start]!, item.offsets[start + 1]!)
          : -1;
      one.units[0] = Math.round(quantity[start]! * 1000);
      one.money[0] = Math.round(amount[start]!);
      if (id?.has(start)) parseEventId(id.bytes, id.offsets[start]!, id.offsets[start + 1]!, one.id, 0, file);
      else one.id.fill(0);
      all.copy(one, 0);
      start++;
    } while (start < batch.numRows && day[start] === day[row] && sameUser(row, start));
    const order = start < batch.numRows ? hash[start]! - hash[row]! : 0;
    if (order < 0) {
      throw new DataError(`${file} is not sorted by user at row ${start}: rebuild it from its drop`);
    }
    entries.clear();
    canonicalEntries(all, items, entries);
    days.add(name(row), hash[row]!, {
      day: day[row]!,
      entries: entries.entries,
      start: 0,
      end: entries.length,
    });
  }

  function name(row: number): string {
    return Buffer.from(user.bytes.buffer, user.bytes.byteOffset, user.bytes.byteLength).toString(
      'utf8',
      user.offsets[row]!,
      user.offsets[row + 1]!,
    );
  }

  function sameUser(a: number, b: number): boolean {
    if (hash[a] !== hash[b]) return false;
    let i = user.offsets[a]!;
    let j = user.offsets[b]!;
    const end = user.offsets[a + 1]!;
    if (end - i !== user.offsets[b + 1]! - j) return false;
    while (i < end) if (user.bytes[i++] !== user.bytes[j++]) return false;
    return true;
  }
}
