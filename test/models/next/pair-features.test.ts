import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { readShardDays, ShardedFiles } from '../../../lib/features/index.ts';
import { History } from '../../../lib/models/next/history.ts';
import { buildItemTable, type ItemTable, indexUnits } from '../../../lib/models/next/item-table.ts';
import { decodeItemTable, encodeItemTable } from '../../../lib/models/next/item-table-file.ts';
import { PAIR_FEATURES, PAIR_WIDTH } from '../../../lib/models/next/pair-columns.ts';
import { PairFeatures } from '../../../lib/models/next/pair-features.ts';
import { ProfileReader } from '../../../lib/models/next/profile.ts';
import { FIRST_DAY, putDrop, type RawEvent, withStore } from '../../features/shop.ts';
import { bought, nextConfig } from './shop.ts';

const DAYS = 120;
const HORIZON = 14;
const AT = 100;
const L = Math.log1p;

/** Sixty users who each like some of twelve items; the first items are liked by more. */
function shop(): RawEvent[] {
  const rng = createRng('pair features');
  const events: RawEvent[] = [];
  for (let u = 0; u < 60; u++) {
    const liked = Array.from({ length: 12 }, (_, i) => i).filter((i) => rng.uniform() < 0.8 / (1 + i / 4));
    for (let day = rng.integer(60); day < DAYS; day += 1 + rng.integer(20)) {
      for (const i of liked) if (rng.uniform() < 0.5) events.push(bought(`user ${u}`, day, `item ${i}`));
      if (rng.uniform() < 0.3 && liked.length > 0) events.push(bought(`user ${u}`, day, `item ${liked[0]}`));
    }
  }
  return events;
}

async function historyOf(events: readonly RawEvent[], day: number, limit?: number): Promise<History> {
  return withStore(async (store) => {
    const config = nextConfig();
    const input = await putDrop(store, config, 'a', events);
    const history = new History([FIRST_DAY + day], 'purchase', [], limit);
    for (let shard = 0; shard < 2; shard++) {
      const before = FIRST_DAY + DAYS;
      const files = new ShardedFiles(store);
      const users = await readShardDays({ store, config, inputs: [input], shard, shards: 2, before, files });
      for (const user of users) history.add(user, users.items);
    }
    return history;
  });
}

const tableOf = (history: History, day: number): ItemTable =>
  buildItemTable(
    history,
    0,
    indexUnits(history, FIRST_DAY + day, (item) => item),
    [],
  );

describe('pair features', () => {
  it('are what their formulas say, computed in the plain way', async () => {
    // given a small shop and everything before a day, as dense tables
    const events = shop();
    const history = await historyOf(events, AT);
    const table = tableOf(history, AT);
    const plain = plainFeatures(events);
    const features = new PairFeatures(table, HORIZON);
    const index = indexUnits(history, FIRST_DAY + AT, (item) => item);
    const reader = new ProfileReader(table.names.length, FIRST_DAY + AT);
    const out = new Float32Array(PAIR_WIDTH);
    let pairs = 0;
    for (const user of history.users) {
      const profile = reader.read(user.profiles[0]!, user.activeDays[0]!, index.of);
      if (profile.count === 0) continue;
      // when a user's pairs are written
      features.open(profile, []);
      const own = [...profile.unit].map((unit) => table.names[unit]!);
      const name = [...plain.users.keys()].find((u) => same(plain.users.get(u)!, profile, own))!;
      expect(name).toBeDefined();
      // then every unit is a candidate, and each of its features is right
      expect(features.count).toBe(table.names.length);
      for (let c = 0; c < features.count; c++) {
        features.write(c, out, 0);
        const expected = plain.of(name, table.names[features.candidates[c]!]!);
        PAIR_FEATURES.forEach((feature, f) => {
          expect({ feature, value: out[f]! }).toEqual({ feature, value: expect.closeTo(expected[f]!, 3) });
        });
        pairs++;
      }
    }
    expect(pairs).toBeGreaterThan(500);
  });

  it('do not change by way of the item table file', async () => {
    // given a table
    const table = tableOf(await historyOf(shop(), AT), AT);
    // when written and read
    const read = decodeItemTable(encodeItemTable(table), 'items.arrow');
    // then nothing is lost
    expect(read).toEqual(table);
  });

  it('come from a sample of users where there are more entries than allowed', async () => {
    // given one shop, whole and with room for a part of it
    const whole = await historyOf(shop(), AT);
    const sampled = await historyOf(shop(), AT, 300);
    // when the sample is taken
    // then it is within its limit, holds users of the whole, and keeps them by their hash
    expect(whole.share).toBe(1);
    expect(sampled.share).toBeLessThan(1);
    expect(sampled.users.length).toBeGreaterThan(3);
    const kept = whole.users.filter(({ unit }) => unit < sampled.share);
    expect(sampled.users.map(({ unit }) => unit)).toEqual(kept.map(({ unit }) => unit));
    // and the table is that of these users alone
    expect(Math.max(...tableOf(sampled, AT).users)).toBeLessThanOrEqual(sampled.users.length);
  });

  it('count units of huge baskets only up to a limit', async () => {
    // given a basket of 600 items, twice those of the later ones
    const items = Array.from({ length: 600 }, (_, i) => `item ${String(i).padStart(3, '0')}`);
    const events = items.flatMap((item, i) =>
      i < 550 ? [bought('ann', 1, item)] : [bought('ann', 1, item), bought('ann', 1, item)],
    );
    // when the table is built
    const { byUser, byBasket } = tableOf(await historyOf(events, AT), AT);
    // then only so many units have neighbours, and the items with most lines are among them
    const withNeighbours = ({ start }: { start: Int32Array }) =>
      items.flatMap((_, i) => (start[i + 1]! > start[i]! ? [i] : []));
    expect(withNeighbours(byUser)).toHaveLength(500);
    expect(withNeighbours(byBasket)).toHaveLength(200);
    for (const i of [550, 575, 599]) expect(withNeighbours(byBasket)).toContain(i);
    // and no unit has more neighbours than are kept
    expect(byUser.start[600]).toBe(500 * 100);
  });
});

interface PlainUser {
  /** Ages in days of the lines of each item. */
  readonly ages: Map<string, number[]>;
}

const same = (
  user: PlainUser,
  profile: { lines: Float64Array; first: Float64Array; last: Float64Array },
  own: string[],
) =>
  user.ages.size === own.length &&
  own.every((item, i) => {
    const ages = user.ages.get(item);
    return (
      ages?.length === profile.lines[i] &&
      Math.max(...ages!) === profile.first[i] &&
      Math.min(...ages!) === profile.last[i]
    );
  });

/** The features over dense matrices, straight from their definitions. */
function plainFeatures(events: readonly RawEvent[]) {
  const users = new Map<string, PlainUser>();
  for (const { user, time, item } of events) {
    const age = FIRST_DAY + AT - Math.floor(time / 86_400_000);
    if (age < 1) continue;
    const known = users.get(user) ?? { ages: new Map<string, number[]>() };
    users.set(user, known);
    known.ages.set(item!, [...(known.ages.get(item!) ?? []), age]);
  }
  const names = [...new Set([...users.values()].flatMap(({ ages }) => [...ages.keys()]))].sort();
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const decay = (ages: readonly number[], halfLife: number) =>
    sum(ages.map((age) => 0.5 ** (age / halfLife)));
  const agesOf = (user: string, item: string) => users.get(user)!.ages.get(item) ?? [];
  const lines = (user: string, item: string) => agesOf(user, item).length;
  const all = [...users.keys()];
  const per = (of: (ages: number[]) => number) =>
    new Map(names.map((item) => [item, of(all.flatMap((user) => agesOf(user, item)))]));
  const owners = new Map(names.map((item) => [item, all.filter((user) => lines(user, item) > 0).length]));
  const repeaters = new Map(names.map((item) => [item, all.filter((user) => lines(user, item) > 1).length]));
  const decayed = per((ages) => decay(ages, 60));
  const mean = (of: Map<string, number>) => (item: string) =>
    L(of.get(item)! / (sum([...of.values()]) / names.length));
  const within = (days: number) => mean(per((ages) => ages.filter((age) => age <= days).length));
  const [p7, p30, p90, pd] = [within(7), within(30), within(90), mean(decayed)];
  const rank = (item: string) =>
    names.filter(
      (o) => decayed.get(o)! > decayed.get(item)! || (decayed.get(o) === decayed.get(item) && o < item),
    ).length;
  const q = sum([...repeaters.values()]) / sum([...owners.values()]);

  const baskets = all.flatMap((user) => {
    const ages = [...new Set([...users.get(user)!.ages.values()].flat())];
    return ages.map((age) => ({ age, items: names.filter((item) => agesOf(user, item).includes(age)) }));
  });
  const cosine = (weigh: (a: string, b: string) => number, shrink: number) => (i: string, j: string) =>
    i === j ? 0 : weigh(i, j) / (Math.sqrt(weigh(i, i) * weigh(j, j)) + shrink);
  const table = (weigh: (i: string, j: string) => number, shrink: number) => {
    const similarity = cosine(weigh, shrink);
    return new Map(names.map((i) => [i, new Map(names.map((j) => [j, similarity(i, j)]))]));
  };
  const byUser = table((i, j) => all.filter((user) => lines(user, i) > 0 && lines(user, j) > 0).length, 2);
  const byBasket = table(
    (i, j) =>
      sum(
        baskets
          .filter(({ items }) => items.includes(i) && items.includes(j))
          .map(({ age }) => 0.5 ** (age / 90)),
      ),
    1,
  );

  const of = (user: string, unit: string): number[] => {
    const own = [...users.get(user)!.ages.keys()];
    const total = (weight: (item: string) => number, s: typeof byUser, j: string) =>
      sum(own.map((i) => weight(i) * s.get(i)!.get(j)!));
    const n = (item: string) => lines(user, item);
    const short = (item: string) => decay(agesOf(user, item), 30);
    const long = (item: string) => decay(agesOf(user, item), 90);
    const ku = (j: string) => total((i) => L(n(i)), byUser, j);
    const kl = (j: string) => total(n, byUser, j);
    const kb = (j: string) => total((i) => L(short(i)), byBasket, j);
    const kb2 = (j: string) => total((i) => L(n(i)), byBasket, j);
    // With fewer units than dimensions the embedding loses nothing: the affinity is the matrix itself.
    const affinity = (j: string) => L(n(j)) * owners.get(j)! ** -0.25;
    const relative = (x: (j: string) => number) => x(unit) / Math.max(...names.map(x));
    const everything = [...users.get(user)!.ages.values()].flat();
    const days = new Set(everything).size;
    const w = sum(own.map((i) => L(n(i))));
    const ages = agesOf(user, unit);
    const has = ages.length > 0;
    const first = has ? Math.max(...ages) : 0;
    const last = has ? Math.min(...ages) : 0;
    const multi = n(unit) > 1 && first > last;
    const gap = multi ? (first - last) / (n(unit) - 1) : 1;
    const u = { last: Math.min(...everything), first: Math.max(...everything) };
    return [
      Number(has),
      L(n(unit)),
      L(short(unit)),
      L(long(unit)),
      short(unit) / Math.max(sum(own.map(short)), 0.05),
      Math.min(n(unit) / days, 3),
      n(unit) / everything.length,
      relative(n),
      relative(long),
      has ? L(last) : 0,
      has ? L(first) : 0,
      Number(multi),
      multi ? L(gap) : 0,
      multi ? L(last / Math.max(gap, 1)) : 0,
      multi ? Math.exp(-Math.abs(Math.log((last + HORIZON / 2) / Math.max(gap, 1)))) : 0,
      Number(has && last === u.last),
      has ? L((n(unit) * HORIZON) / (first + HORIZON)) : 0,
      p7(unit),
      p30(unit),
      p90(unit),
      pd(unit),
      p30(unit) - p90(unit),
      p7(unit) - p30(unit),
      L(rank(unit)),
      L(Math.max(...all.flatMap((o) => agesOf(o, unit)))),
      (repeaters.get(unit)! + 2 * q) / (owners.get(unit)! + 2),
      L(sum(all.map((o) => lines(o, unit))) / owners.get(unit)!),
      L((100 * ku(unit)) / w),
      L(ku(unit)),
      relative(ku),
      L(10 * kb(unit)),
      relative(kb),
      L((100 * kb2(unit)) / w),
      L(kb2(unit)),
      L((100 * kl(unit)) / everything.length),
      relative(kl),
      L(10 * affinity(unit)),
      relative(affinity),
      L(days),
      L(everything.length / days),
      1 - own.length / everything.length,
      L(u.last),
      L(u.first),
      L(own.length),
    ];
  };
  return { users, of };
}
