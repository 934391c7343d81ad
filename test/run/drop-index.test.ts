import { describe, expect, it } from 'vitest';
import type { Config } from '../../lib/config/index.ts';
import { deployOf } from '../../lib/config/index.ts';
import { NightjarError, parseDay } from '../../lib/data/index.ts';
import { createRng, type Rng } from '../../lib/engine/host/index.ts';
import { type Look, lookForNight } from '../../lib/run/begin.ts';
import { type RunManifest, readManifest } from '../../lib/run/index.ts';
import type { IndexLimits } from '../../lib/run/index-limits.ts';
import { planTick } from '../../lib/run/plan.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { call, guardedStore, RecordingBatch, succeedAll } from './kit.ts';
import { KINDS, settle, variants } from './made-drops.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';

const START = new Date('2025-01-10T12:00:00Z');
const CONFIGS = variants();
const FIRST_DAY = parseDay('2024-12-20');
const KEYS = [
  ...Array.from({ length: 12 }, (_, i) => `drop/log/${i}.csv`),
  ...Array.from({ length: 4 }, (_, i) => `drop/log/late/${i}.csv`),
  ...Array.from({ length: 6 }, (_, i) => `drop/web/a${i}.csv`),
  ...Array.from({ length: 4 }, (_, i) => `drop/seen/${i}.csv`),
  'drop/nobody/x.csv',
  'drop/web/_SUCCESS',
];

/** An index from the first drop on, a handful at a time. */
const tiny = (rng: Rng): IndexLimits => ({
  from: rng.integer(4),
  keys: 1 + rng.integer(9),
  looks: 1 + rng.integer(6),
  few: rng.integer(30),
  requests: 1 + rng.integer(40),
  rows: 1 + rng.integer(8),
});

/** The same store for somebody who knows of no index. */
function unindexed(store: ObjectStore): ObjectStore {
  const hides = (key: string) => key.startsWith('index/');
  return {
    ...store,
    get: (key, options) => store.get(hides(key) ? 'none' : key, options),
    put: async (key, body, options) => (hides(key) ? { written: false } : store.put(key, body, options)),
  };
}

class History {
  readonly store: MemoryStore = memoryStore(START);
  readonly batch = new RecordingBatch();
  readonly limits: IndexLimits;
  readonly rng: Rng;
  config: Config = CONFIGS[0]!;
  now = START;
  ticks = 0;

  constructor(seed: string) {
    this.rng = createRng(seed);
    this.limits = tiny(this.rng);
  }

  get asOf(): string {
    return this.now.toISOString().slice(0, 10);
  }

  pass(minutes: number): void {
    this.now = new Date(this.now.getTime() + minutes * 60_000);
    this.store.now = this.now;
  }

  args(store: ObjectStore = this.store) {
    const { config, now, limits, batch } = this;
    return {
      store,
      batch,
      config,
      deploy: deployOf(config, 'prod'),
      kind: 'heartbeat',
      now,
      limits,
    } as const;
  }

  tick(store: ObjectStore = this.store) {
    this.ticks++;
    return lookForNight(this.args(store), this.asOf);
  }

  async act(): Promise<void> {
    const { rng, store } = this;
    this.pass(rng.integer(600));
    const key = KEYS[rng.integer(KEYS.length)]!;
    const what = rng.uniform();
    if (what < 0.3) await store.put(key, this.#body());
    else if (what < 0.36) await store.delete(key);
    else if (what < 0.4) {
      // the same bytes again, under another etag
      const standing = await store.head(key);
      if (standing) await store.put(key, await (await store.get(key)).bytes());
    } else if (what < 0.6) await this.settleSome(0.5);
    else if (what < 0.66) this.config = CONFIGS[rng.integer(CONFIGS.length)]!;
    else if (what < 0.7) await this.night();
    else if (what < 0.8) await this.killed();
    else if (what < 0.86) await this.together();
    else await this.tick();
  }

  /** What comes of drops by the settings of now, of some of them. */
  async settleSome(share: number): Promise<void> {
    const { store, config, rng } = this;
    for await (const { key } of store.copy().list('drop/')) {
      if (rng.uniform() >= share) continue;
      await settle(store, config, key, rng.uniform() < 0.7 ? 'with days' : 'without days');
    }
  }

  /** A night of today that is finished, if it can be. */
  async night(): Promise<void> {
    const { store, config, batch, limits } = this;
    const shop = { store, config, root: '' };
    const now = new Date(`${this.asOf}T22:00:00Z`);
    if (now < this.now) return;
    this.now = now;
    try {
      await call(shop, batch, { now, limits });
      await succeedAll(shop, batch);
      await call(shop, batch, { now, limits });
    } catch (error) {
      // Labels without a row of them are enough to begin, and then there is nothing to run on.
      if (!(error instanceof NightjarError)) throw error;
    }
  }

  async killed(): Promise<void> {
    let left = this.rng.integer(12);
    const late = this.rng.uniform() < 0.5;
    const dies = async () => {
      if (left-- <= 0) throw new Error('killed');
    };
    const nothing = async () => {};
    const guard = late ? { before: nothing, after: dies } : { before: dies, after: nothing };
    await this.tick(guardedStore(this.store, guard)).catch(() => {});
  }

  /** Two calls at once, in a random order of their requests. */
  async together(): Promise<void> {
    const { rng } = this;
    const wait = async () => {
      for (let n = rng.integer(4); n > 0; n--) await Promise.resolve();
    };
    const store = guardedStore(this.store, { before: wait, after: wait });
    await Promise.all([this.tick(store), this.tick(store)]);
  }

  /** Ticks until all that is there now is known. */
  async settled(): Promise<Look> {
    const quiet = this.now;
    let look: Look;
    let more = MOST_TICKS;
    do {
      this.pass(5);
      look = await lookForNight(this.args(), this.asOf, quiet);
    } while (look.underWay || more-- > 0);
    return look;
  }

  #body(): string {
    const { rng } = this;
    const kind = KINDS[rng.integer(KINDS.length)]!;
    return `${kind} ${FIRST_DAY + 3 * rng.integer(8)}`;
  }
}

/** By then every drop that waits was looked at, however few at once. */
const MOST_TICKS = 40;

async function manifestOf(history: History, store: MemoryStore, look: Look): Promise<RunManifest | string> {
  const { config, drops, ready } = look;
  try {
    const plan = { store, config, drops, ready, purpose: 'night', asOf: history.asOf } as const;
    const { index, ...manifest } = await readManifest(store, (await planTick(plan)).runId);
    return manifest;
  } catch (error) {
    return String(error);
  }
}

const told = ({ config, ready, short }: Look) => ({
  config,
  short,
  ...ready,
  stale: [...ready.stale].sort(),
});
/** How far by the settings of before a drop is that they have not got is not said by an index. */
const withoutWhy = (missing: RunManifest['missing']) =>
  missing.map(({ kind, key, why }) => (kind === 'pending' ? { kind, key } : { kind, key, why }));

describe('an index of drops', () => {
  it('says what a listing of all says, whatever was dropped, cleaned, changed, killed and doubled', async () => {
    let indexed = 0;
    let earlier = 0;
    let folded = 0;
    let copies = 0;
    for (let seed = 0; seed < 80; seed++) {
      // given
      const history = new History(`history ${seed}`);
      const acts = 10 + history.rng.integer(60);
      for (let n = 0; n < acts; n++) await history.act();
      if (seed % 2 === 0) await history.settleSome(0.9);
      if (seed % 8 === 0) {
        // a night, and then other settings that have little of it
        await history.tick();
        await history.night();
        history.config = CONFIGS[history.rng.integer(CONFIGS.length)]!;
        await history.settleSome(0.2);
      }
      // when
      const look = await history.settled();
      const { limits } = history;
      const args = history.args(unindexed(history.store.copy()));
      const full = await lookForNight(
        { ...args, limits: { ...limits, from: Number.POSITIVE_INFINITY } },
        history.asOf,
      );
      // then
      const ours = told(look);
      const theirs = told(full);
      const note = `seed ${seed}`;
      const by = look.config === history.config ? (all: RunManifest['missing']) => all : withoutWhy;
      expect({ ...ours, missing: by(ours.missing) }, note).toEqual({
        ...theirs,
        missing: by(theirs.missing),
      });
      // and: what a run of it would read
      const own = await manifestOf(history, history.store.copy(), look);
      const other = await manifestOf(history, history.store.copy(), full);
      if (typeof own === 'string' || typeof other === 'string') expect(own, note).toEqual(other);
      else {
        expect({ ...own, missing: by(own.missing) }, note).toEqual({
          ...other,
          missing: by(other.missing),
        });
        folded += Number(own.snapshot !== null);
        copies += own.copies.length;
      }
      indexed += Number(!Array.isArray(look.drops));
      earlier += Number(look.config !== history.config);
    }
    expect(indexed).toBeGreaterThan(60);
    expect(earlier).toBeGreaterThan(0);
    expect(folded).toBeGreaterThan(0);
    expect(copies).toBeGreaterThan(5);
  }, 120_000);

  it('finds the drops again of segments that have lapsed', async () => {
    // given: nobody called for so long that the bucket took some away
    const history = new History('lapsed');
    Object.assign(history.limits, { from: 2, keys: 5, looks: 9, few: 100, requests: 50, rows: 4 });
    for (let n = 0; n < 60; n++) await history.act();
    await history.settleSome(1);
    const known = await history.settled();
    const away = history.store.copy();
    let segments = 0;
    for await (const { key } of history.store.list('index/')) {
      if (key !== 'index/head.json' && segments++ % 2 === 0) await away.delete(key);
    }
    // when
    Object.assign(history, { store: away });
    const look = await history.settled();
    // then
    expect(segments).toBeGreaterThan(4);
    expect({ ...told(look), stale: [] }).toEqual({ ...told(known), stale: [] });
  });

  it('makes as many requests a call for many drops as for few, and reads a quality record once', async () => {
    const limits = { from: 10, keys: 20, looks: 5, few: 1000, requests: 50, rows: 16 };
    const most: number[] = [];
    for (const drops of [60, 300]) {
      // given: a shop of so many drops, all through, of which a few came before the index was begun
      const history = new History('requests');
      Object.assign(history.limits, limits);
      const asked: string[] = [];
      const store = guardedStore(history.store, {
        before: async (what) => void asked.push(what),
        after: async () => {},
      });
      const drop = async (from: number, to: number) => {
        for (let n = from; n < to; n++) await history.store.put(`drop/log/${n}.csv`, `rows ${FIRST_DAY + n}`);
        for (let n = from; n < to; n++)
          await settle(history.store, history.config, `drop/log/${n}.csv`, 'with days');
      };
      await drop(0, 12);
      await history.tick(store);
      await drop(12, drops);
      for (let n = 0; n < drops; n++) {
        history.pass(5);
        await history.tick(store);
      }
      // when: nothing is new
      asked.length = 0;
      const look = await history.tick(store);
      // then
      expect(look.ready).toMatchObject({ pending: 0, missing: [{ kind: 'expected' }] });
      expect(asked.map((what) => what.split('/')[0])).toEqual(['get index', 'list drop', 'put index']);
      // and when: many are new
      await drop(drops, drops + 40);
      asked.length = 0;
      const counts: number[] = [];
      for (let n = 0; n < 60; n++) {
        const before = asked.length;
        history.pass(5);
        await history.tick(store);
        counts.push(asked.length - before);
      }
      most.push(Math.max(...counts));
      const records = asked.filter((what) => what.startsWith('get quality/'));
      expect(records).toHaveLength(40);
      expect(new Set(records).size).toBe(40);
    }
    expect(most[0]).toBeLessThan(40);
    expect(most[1]).toBeLessThan(40);
  });

  it('starts no night before its deadline until all drops were looked at since it began', async () => {
    // given: two drops of yesterday's events, one of them dropped while the round is behind its key
    const history = new History('round');
    Object.assign(history.limits, { from: 2, keys: 3, looks: 9, few: 100, requests: 50, rows: 4 });
    const { store, config, batch, limits } = history;
    const shop = { store, config, root: '' };
    const at = (minutes: number) => new Date(Date.parse('2025-01-11T02:00:00+01:00') + minutes * 60_000);
    const yesterday = parseDay('2025-01-10');
    for (let n = 0; n < 8; n++) await store.put(`drop/web/${n}.csv`, `rows ${yesterday - 1 - n}`);
    for (let n = 0; n < 8; n++) await settle(store, config, `drop/web/${n}.csv`, 'with days');
    await call(shop, batch, { kind: 'heartbeat', now: new Date('2025-01-10T22:00:00+01:00'), limits });
    // when
    const states: string[] = [];
    for (let minutes = 0; !states.includes('started') && minutes < 100; minutes += 5) {
      store.now = at(minutes);
      if (minutes === 10) await store.put('drop/web/0a.csv', `rows ${yesterday - 1}`);
      if (minutes === 30) await settle(store, config, 'drop/web/0a.csv', 'with days');
      states.push((await call(shop, batch, { now: at(minutes), limits })).state);
    }
    // then: the round of three calls is through before the first start, and what it came to know of waited for
    expect(states.length).toBeGreaterThan(2);
    expect(states.slice(0, -1)).toEqual(states.slice(0, -1).map(() => 'waiting'));
    expect(states.at(-1)).toBe('started');
  });
});
