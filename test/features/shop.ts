import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
import fc from 'fast-check';
import { type Config, parseConfig } from '../../lib/config/index.ts';
import {
  encodeArrow,
  eventCode,
  recordBatch,
  sha256,
  shardOf,
  shopClock,
  userHash,
} from '../../lib/data/index.ts';
import {
  buildDays,
  type DayInput,
  type EventVersions,
  type NewestBy,
  openVersions,
  type SnapshotInfo,
} from '../../lib/features/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';

/** A clean event as the tests write it. */
export interface RawEvent {
  readonly user: string;
  /** ms UTC. */
  readonly time: number;
  readonly type: number;
  readonly item?: string;
  readonly quantity?: number;
  /** Minor units. */
  readonly amount?: number;
  readonly session?: string;
  /** Any text: clean writes a hash of the key's values. */
  readonly id?: string;
  /** The identity as it is to stand in the clean file. */
  readonly rawId?: string;
  /** What the source's `newestBy` gives. */
  readonly version?: number;
  readonly text?: string;
  /** The source's `where` leaves it out: it is a version of its event and no row. */
  readonly withdrawn?: boolean;
}

export const PURCHASE = eventCode('purchase');
export const RETURN = eventCode('return');
export const VIEW = eventCode('view');

export function testConfig(features: object = {}, timeZone = 'UTC'): Config {
  return parseConfig({ shop: { timeZone }, sources: {}, tasks: {}, features });
}

/** Runs with a folder store that is gone afterwards. */
export async function withStore<T>(use: (store: ObjectStore) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-features-'));
  try {
    return await use(await openFolderStore(folder, { durable: false }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
  new Field('session', new Utf8(), true),
  new Field('id', new Utf8(), true),
  new Field('version', new Float64(), true),
  new Field('text', new Utf8(), true),
];

/** As clean names an event. */
const idOf = (text: string) => sha256(text).slice(0, 16);

/** Zones change their clocks at quarters of an hour, so one answer serves a quarter. */
function quickClock(timeZone: string): ReturnType<typeof shopClock> {
  const clock = shopClock(timeZone);
  const known = new Map<number, { day: number; hour: number }>();
  return (ms) => {
    const quarter = Math.floor(ms / 900_000);
    const answer = known.get(quarter) ?? clock(ms);
    known.set(quarter, answer);
    return answer;
  };
}

/** Batches of clean events: sorted by hash, user, time (equal ones as given) and cut by user range. */
export function cleanBatches(events: readonly RawEvent[], batches = 1, timeZone = 'UTC'): RecordBatch[] {
  const clock = quickClock(timeZone);
  const rows = events.map((event) => ({ ...event, ...clock(event.time), hash: userHash(event.user) }));
  rows.sort((a, b) => a.hash - b.hash || (a.user < b.user ? -1 : a.user > b.user ? 1 : 0) || a.time - b.time);
  return Array.from({ length: batches }, (_, batch) => {
    const part = rows.filter((row) => shardOf(row.hash, batches) === batch);
    const columns = [
      text(part.map((e) => e.user)),
      numbers(
        new Uint32(),
        Uint32Array.from(part, (e) => e.hash),
      ),
      bigs(
        new TimestampMillisecond('UTC'),
        part.map((e) => e.time),
      ),
      numbers(
        new Int32(),
        Int32Array.from(part, (e) => e.day),
      ),
      numbers(
        new Uint8(),
        Uint8Array.from(part, (e) => e.hour),
      ),
      numbers(
        new Uint8(),
        Uint8Array.from(part, (e) => e.type),
      ),
      text(part.map((e) => e.item)),
      numbers(
        new Float64(),
        Float64Array.from(part, (e) => e.quantity ?? 1),
      ),
      bigs(
        new Int64(),
        part.map((e) => e.amount),
      ),
      text(part.map((e) => e.session)),
      text(part.map((e) => e.rawId ?? (e.id === undefined ? undefined : idOf(e.id)))),
      doubles(part.map((e) => e.version)),
      text(part.map((e) => e.text)),
    ];
    return recordBatch(FIELDS, columns, part.length);
  });
}

/** A drop as a run lists it; one of a source with a key where `droppedAt` says so. */
export interface PutDrop extends DayInput {
  readonly drop: string;
  readonly source: string;
  readonly lines: number;
  readonly withdrawn?: true;
}

/** Puts a drop's clean events and withdrawn ones into the store and builds its day rows. */
export async function putDrop(
  store: ObjectStore,
  config: Config,
  dropId: string,
  all: readonly RawEvent[],
  options: { batches?: number; revision?: string; droppedAt?: number; source?: string } = {},
): Promise<PutDrop> {
  const { batches = 1, revision = 'r1', droppedAt, source = 'shop' } = options;
  const zone = config.shop.timeZone;
  const told = { dropId, revision, drop: `drop/${source}/${dropId}`, source, lines: all.length };
  const dropped = droppedAt === undefined ? {} : { droppedAt };
  const withdrawn = all.filter((event) => event.withdrawn);
  if (withdrawn.length > 0) {
    const arrow = encodeArrow(FIELDS, cleanBatches(withdrawn, 1, zone));
    await store.put(`clean/withdrawn/${dropId}/${revision}.arrow`, arrow, { ifAbsent: true });
  }
  const events = all.filter((event) => !event.withdrawn);
  if (events.length === 0 && all.length > 0) return { ...told, ...dropped, key: '', withdrawn: true };
  const cleanKey = `clean/events/${dropId}/${revision}.arrow`;
  await store.put(cleanKey, encodeArrow(FIELDS, cleanBatches(events, batches, zone)), { ifAbsent: true });
  const { key } = await buildDays({ store, config, cleanKey });
  const clock = quickClock(zone);
  const days = events.map((event) => clock(event.time).day);
  const span = days.length > 0 ? { minDay: Math.min(...days), maxDay: Math.max(...days) } : {};
  return { ...told, ...dropped, key, ...span };
}

/** Which versions of events count as of a day, in drops of sources with a key. */
export async function versionsOf(
  store: ObjectStore,
  drops: readonly PutDrop[],
  asOf: number,
  more: {
    newestBy?: NewestBy | undefined;
    shards?: number;
    snapshot?: SnapshotInfo;
    /** How many lines the drops are said to have for each that they have: many are decided in parts. */
    times?: number | undefined;
    begin?: number;
  } = {},
): Promise<EventVersions | undefined> {
  const { newestBy = ['drop'], shards = 1, snapshot, times = 1, begin } = more;
  const keyed = drops.flatMap(({ drop, dropId, revision, source, lines, droppedAt, withdrawn }) =>
    droppedAt === undefined || lines === 0
      ? []
      : [
          {
            ...{ drop, dropId, revision, source, droppedAt },
            lines: lines * times,
            ...(withdrawn ? { withdrawn } : {}),
          },
        ],
  );
  const ids = new Set(snapshot?.held.map(({ dropId }) => dropId));
  const held = new Set(keyed.flatMap(({ dropId }, i) => (ids.has(dropId) ? [i] : [])));
  const question = {
    drops: keyed,
    newestBy: Object.fromEntries(keyed.map(({ source }) => [source, newestBy])),
    asOf,
    shards,
    ...(snapshot ? { snapshot: { day: snapshot.day, asOf: snapshot.asOf, held } } : {}),
  };
  return openVersions(store, question, begin);
}

function text(values: (string | undefined)[]) {
  const offsets = new Int32Array(values.length + 1);
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  const bytes = values.map((value, i) => {
    if (value !== undefined) nullBitmap[i >> 3]! |= 1 << (i & 7);
    return Buffer.from(value ?? '');
  });
  bytes.forEach((part, i) => {
    offsets[i + 1] = offsets[i]! + part.length;
  });
  const nullCount = values.filter((value) => value === undefined).length;
  const data = Buffer.concat(bytes);
  return { type: new Utf8(), length: values.length, nullCount, valueOffsets: offsets, data, nullBitmap };
}

function bigs(type: Int64 | TimestampMillisecond, values: (number | undefined)[]) {
  const data = BigInt64Array.from(values, (value) => BigInt(value ?? 0));
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, i) => {
    if (value !== undefined) nullBitmap[i >> 3]! |= 1 << (i & 7);
  });
  const nullCount = values.filter((value) => value === undefined).length;
  return { type, length: values.length, nullCount, data, nullBitmap };
}

function doubles(values: (number | undefined)[]) {
  const data = Float64Array.from(values, (value) => value ?? 0);
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, i) => {
    if (value !== undefined) nullBitmap[i >> 3]! |= 1 << (i & 7);
  });
  const nullCount = values.filter((value) => value === undefined).length;
  return { type: new Float64(), length: values.length, nullCount, data, nullBitmap };
}

function numbers(
  type: Parameters<typeof makeData>[0]['type'],
  data: Uint8Array | Int32Array | Uint32Array | Float64Array,
) {
  return { type, length: data.length, nullCount: 0, data };
}

/** Some weeks of a small shop: few users, items, sessions and instants, so that they often meet. */
export function arbitraryEvents(options: { keyed?: boolean; days?: number } = {}): fc.Arbitrary<RawEvent[]> {
  const { keyed = false, days = 40 } = options;
  const event = fc.record({
    user: fc.constantFrom('ann', 'bob', 'cid', 'dora', 'éva'),
    day: fc.integer({ min: 0, max: days - 1 }),
    second: fc.integer({ min: 0, max: 5 }).map((n) => n * 14_000 + 7),
    type: fc.constantFrom(VIEW, PURCHASE, PURCHASE, RETURN),
    item: fc.option(fc.constantFrom('tea', 'cup', 'Übertopf', 'x', 'y', 'z', 'lamp', 'a', 'b', 'c'), {
      nil: undefined,
    }),
    quantity: fc.constantFrom(1, 2, 0.1, 0.2, 12),
    amount: fc.integer({ min: -500, max: 5000 }),
    session: fc.option(fc.constantFrom('s1', 's2'), { nil: undefined }),
  });
  return fc.array(event, { minLength: 1, maxLength: 60 }).map((list) =>
    list.map(({ day, second, item, session, ...rest }, i) => ({
      ...rest,
      time: (15_000 + day) * 86_400_000 + second * 1000,
      ...(item === undefined ? {} : { item }),
      ...(session === undefined ? {} : { session }),
      ...(keyed ? { id: `event ${i}` } : {}),
    })),
  );
}
/** The first day of `arbitraryEvents`. */
export const FIRST_DAY = 15_000;
