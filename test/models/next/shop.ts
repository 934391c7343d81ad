import { Field, Float64, TimestampMillisecond, Utf8, vectorFromArray } from 'apache-arrow';
import { type Config, type NextTask, parseConfig } from '../../../lib/config/index.ts';
import { encodeArrow, formatDay, recordBatch } from '../../../lib/data/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { readShardDays, ShardedFiles } from '../../../lib/features/index.ts';
import { listedNames } from '../../../lib/models/index.ts';
import { openNextScorer } from '../../../lib/models/next/score.ts';
import { trainNext } from '../../../lib/models/next/train.ts';
import { openUsers, type RunInput, type RunManifest, runIdOf, taskGroups } from '../../../lib/run/index.ts';
import type { ObjectStore } from '../../../lib/runtime/index.ts';
import { FIRST_DAY, PURCHASE, putDrop, type RawEvent } from '../../features/shop.ts';

const DAY = 86_400_000;

/** What a config of these tests may change. */
export interface ShopOptions {
  readonly of?: string;
  readonly k?: number;
  readonly horizonDays?: number;
  readonly historyDays?: number;
  /** Rules of the lists. */
  readonly rules?: Partial<NextTask>;
}

export function nextConfig({
  of = 'item',
  k = 3,
  horizonDays = 14,
  historyDays = 730,
  rules = {},
}: ShopOptions = {}): Config {
  return parseConfig({
    shop: { timeZone: 'UTC' },
    sources: of === 'item' && Object.keys(rules).length === 0 ? {} : { items: itemsWith(of) },
    tasks: { preference: { kind: 'next', event: 'purchase', of, horizonDays, k, ...rules } },
    features: { historyDays },
    training: { threads: 1 },
    shards: 2,
  });
}

/** A source of items with one category. */
const itemsWith = (category: string) =>
  ({
    format: 'csv',
    table: 'items',
    columns: { item: 'item' },
    attributes: { numbers: ['stock'], categories: [category === 'item' ? 'category' : category] },
  }) as const;

/** A purchase on a day counted from FIRST_DAY. */
export const bought = (user: string, day: number, item?: string): RawEvent => ({
  user,
  time: (FIRST_DAY + day) * DAY + 36_000_000,
  type: PURCHASE,
  ...(item === undefined ? {} : { item }),
});

/** A user's taste in `tasteShop`: what the items of a taste are named after. */
export const tasteOf = (user: string): string => `taste ${Number(user.replace('user ', '')) % TASTES}`;
const TASTES = 6;

/**
 * Users visit about once a week and take one or two items of one taste, and milk now and then. Each takes only a few of
 * a taste's six items: what else there is only others tell. In ascending order of time.
 */
export function tasteShop(users: number, days: number): RawEvent[] {
  const rng = createRng('taste shop');
  const events: RawEvent[] = [];
  for (let u = 0; u < users; u++) {
    const user = `user ${u}`;
    const first = rng.integer(Math.ceil(days / 2));
    for (let day = first + rng.integer(7); day < days; day += 4 + rng.integer(7)) {
      if (rng.uniform() < 0.3) events.push(bought(user, day, 'milk'));
      const items = new Set(Array.from({ length: 2 }, () => rng.integer(6)));
      for (const item of items) events.push(bought(user, day, `${tasteOf(user)} item ${item}`));
    }
  }
  return events.sort((a, b) => a.time - b.time);
}

/** The run at a day counted from FIRST_DAY over drops of events. */
export async function runOver(
  store: ObjectStore,
  config: Config,
  day: number,
  drops: Readonly<Record<string, readonly RawEvent[]>>,
  items: readonly string[] = [],
): Promise<RunManifest> {
  const events: RunInput[] = [];
  for (const [dropId, rows] of Object.entries(drops)) {
    const { key, revision, minDay, maxDay } = await putDrop(store, config, dropId, rows);
    const span = minDay === undefined || maxDay === undefined ? {} : { minDay, maxDay };
    events.push({ drop: `drop/${dropId}`, dropId, revision, source: 'shop', clean: '', days: key, ...span });
  }
  const of = (clean: string): RunInput => ({
    drop: clean,
    dropId: clean,
    revision: 'r1',
    source: 'items',
    clean,
  });
  return {
    format: 1,
    purpose: 'night',
    asOf: formatDay(FIRST_DAY + day),
    groups: taskGroups(config),
    config,
    shards: config.shards,
    inputs: { events, items: items.map(of), users: [], labels: [] },
    missing: [],
    copies: [],
    champions: {},
    snapshot: null,
  };
}

/** One row of an item table: item, category, and from which day (counted from FIRST_DAY) it holds. */
export type ItemRow = readonly [item: string, category: string | undefined, from?: number];

/** Writes a clean item table. @returns its key */
export async function putItems(store: ObjectStore, name: string, rows: readonly ItemRow[]): Promise<string> {
  const timed = rows.some(([, , from]) => from !== undefined);
  const fields = [
    new Field('item', new Utf8(), false),
    new Field('category', new Utf8(), true, new Map([['nightjar.kind', 'category']])),
    ...(timed ? [new Field('valid_from', new TimestampMillisecond('UTC'), true)] : []),
  ];
  const from = BigInt64Array.from(rows, (row) => BigInt((FIRST_DAY + (row[2] ?? 0)) * DAY));
  const columns = [
    text(rows.map(([item]) => item)),
    text(rows.map(([, category]) => category)),
    ...(timed
      ? [{ type: new TimestampMillisecond('UTC'), length: rows.length, nullCount: 0, data: from }]
      : []),
  ];
  const key = `clean/items/${name}/r1.arrow`;
  await store.put(key, encodeArrow(fields, [recordBatch(fields, columns, rows.length)]));
  return key;
}

/** What a shop says of an item, from a day on (counted from FIRST_DAY). */
export interface Product {
  readonly item: string;
  readonly category?: string;
  readonly stock?: number;
  readonly from?: number;
}

/** Writes a clean item table with categories and numbers. @returns its key */
export async function putProducts(
  store: ObjectStore,
  name: string,
  products: readonly Product[],
): Promise<string> {
  const kind = (of: string) => new Map([['nightjar.kind', of]]);
  const fields = [
    new Field('item', new Utf8(), false),
    new Field('category', new Utf8(), true, kind('category')),
    new Field('stock', new Float64(), true, kind('number')),
    new Field('valid_from', new TimestampMillisecond('UTC'), true),
  ];
  const rows = products.length;
  const stock = vectorFromArray(
    products.map((product) => product.stock ?? null),
    new Float64(),
  );
  const columns = [
    text(products.map(({ item }) => item)),
    text(products.map(({ category }) => category)),
    stock.data[0]!,
    {
      type: new TimestampMillisecond('UTC'),
      length: rows,
      nullCount: 0,
      data: BigInt64Array.from(products, ({ from = 0 }) => BigInt((FIRST_DAY + from) * DAY)),
    },
  ];
  const key = `clean/items/${name}/r1.arrow`;
  await store.put(key, encodeArrow(fields, [recordBatch(fields, columns, rows)]));
  return key;
}

function text(values: readonly (string | undefined)[]) {
  const parts = values.map((value) => Buffer.from(value ?? ''));
  const valueOffsets = new Int32Array(values.length + 1);
  const nullBitmap = new Uint8Array((values.length + 7) >> 3);
  parts.forEach((part, i) => {
    valueOffsets[i + 1] = valueOffsets[i]! + part.length;
    if (values[i] !== undefined) nullBitmap[i >> 3]! |= 1 << (i & 7);
  });
  const nullCount = values.filter((value) => value === undefined).length;
  const data = Buffer.concat(parts);
  return { type: new Utf8(), length: values.length, nullCount, valueOffsets, data, nullBitmap };
}

export const train = (store: ObjectStore, manifest: RunManifest) =>
  trainNext({
    store,
    manifest,
    users: async () => openUsers(store, manifest),
    group: manifest.groups[0]!,
    progress: () => {},
  });

/** Lists of all users by name. */
export async function listsOf(
  store: ObjectStore,
  manifest: RunManifest,
  files: Awaited<ReturnType<typeof train>>,
): Promise<Map<string, string[]>> {
  const group = manifest.groups[0]!;
  const runId = runIdOf(manifest);
  const scorer = await openNextScorer(files, { store, runId, manifest, group, threads: 1 });
  const lists = new Map<string, string[]>();
  try {
    for (let shard = 0; shard < manifest.shards; shard++) {
      const inputs = manifest.inputs.events.map(({ days, minDay, maxDay }) => ({
        key: days!,
        ...(minDay === undefined || maxDay === undefined ? {} : { minDay, maxDay }),
      }));
      const users = await readShardDays({
        store,
        config: manifest.config,
        inputs,
        shard,
        shards: manifest.shards,
        // Later days are read, too, and must not show.
        before: Number.POSITIVE_INFINITY,
        files: new ShardedFiles(store),
      });
      const top = (await scorer.score(users, shard)).lists!.preference!.map(listedNames);
      let row = 0;
      for (const { user } of users) lists.set(user, top[row++]!);
    }
  } finally {
    await scorer.close();
  }
  return lists;
}
