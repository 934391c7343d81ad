import { beforeAll, describe, expect, it } from 'vitest';
import { mappingOf, type NamedSource } from '../../lib/clean/index.ts';
import type { Config, ConfigInput } from '../../lib/config/index.ts';
import { listDrops, type RunManifest, readManifest, runIdOf } from '../../lib/run/index.ts';
import { getBytes, type ObjectStore } from '../../lib/runtime/index.ts';
import {
  at,
  call,
  cleanOne,
  copyOf,
  DEADLINE,
  daysBefore,
  dropped,
  ingest,
  openShop,
  purchases,
  RecordingBatch,
  type Shop,
  shopConfig,
  succeedAll,
  TODAY,
} from './kit.ts';

const DROPS = 40;
const YESTERDAY = daysBefore(TODAY, 1);
const TOMORROW = '2025-01-16';
const nameOf = (day: string) => `${day}.csv`;
const keyOf = (day: string) => `drop/log/${nameOf(day)}`;
/** Oldest first, up to the day before yesterday's night. */
const HISTORY = Array.from({ length: DROPS }, (_, i) => daysBefore(TODAY, DROPS + 1 - i));
const MORNING = at('04:00');

const log = (more: object): Partial<ConfigInput> => ({
  sources: { log: { ...shopConfig().sources.log!, ...more } },
});
const ofType = (type: string) => log({ columns: { user: 'customer', time: '"at"', type } });
/** Settings of which each has every drop cleaned again. */
const CHANGES: [string, Partial<ConfigInput>][] = [
  ['the mapping of its source', ofType("'view'")],
  ['how late its events may be', log({ toleranceHours: 7 })],
  ['the currency of the shop', { shop: { timeZone: 'Europe/Berlin', currency: 'JPY' } }],
];

interface Night {
  readonly shop: Shop;
  readonly batch: RecordingBatch;
  readonly last: RunManifest;
}

let before: Night;

/** A shop of forty drops whose night of yesterday is over. */
beforeAll(async () => {
  const shop = await openShop();
  for (const day of HISTORY) await dropped(shop, nameOf(day), purchases(day));
  await ingest(shop);
  const batch = new RecordingBatch();
  const night = await call(shop, batch, { now: at('02:30', YESTERDAY) });
  await succeedAll(shop, batch);
  expect((await call(shop, batch, { now: at('02:35', YESTERDAY) })).state).toBe('finished');
  before = { shop, batch, last: await readManifest(shop.store, night.runId!) };
});

const afterANight = async (): Promise<Night> => ({
  shop: await copyOf(before.shop),
  batch: new RecordingBatch(),
  last: before.last,
});

const changed = ({ shop }: Night, changes: Partial<ConfigInput>): Shop => ({
  ...shop,
  config: shopConfig(changes),
});

/** Brings some drops to their end by the settings of now. */
async function bring(shop: Shop, days: readonly string[]): Promise<void> {
  for (const day of days) await cleanOne(shop, keyOf(day));
}

const mappings = ({ inputs }: RunManifest) =>
  new Set(inputs.events.map(({ revision }) => revision.slice(0, 16)));
const logOf = (config: Config): NamedSource => ({ name: 'log', source: config.sources.log! });
const drops = ({ inputs }: RunManifest) => inputs.events.map(({ drop }) => drop);

/** Messages that calls send again. */
function resending() {
  const sent: string[] = [];
  return { sent, resend: async (keys: readonly string[]) => void sent.push(...keys) };
}

describe('a night after settings were changed that have forty drops cleaned again', () => {
  it.each(CHANGES)('goes by the last ones until enough is cleaned: %s', async (_, changes) => {
    // given: the change comes at four, and yesterday's drop after it
    const night = await afterANight();
    const shop = changed(night, changes);
    const { batch, last } = night;
    await dropped(shop, nameOf(YESTERDAY), purchases(YESTERDAY));
    const first = await call(shop, batch, { now: MORNING });
    expect(first).toMatchObject({ state: 'waiting', pending: DROPS + 1 });
    await bring(shop, [YESTERDAY, ...HISTORY.slice(-5)]);
    // when
    const { runId, state, missing } = await call(shop, batch, { now: DEADLINE });
    // then: the old revisions and the old champion serve, and nothing is trained
    expect(state).toBe('started');
    const manifest = await readManifest(shop.store, runId!);
    expect(manifest.inputs).toEqual(last.inputs);
    expect(manifest.config).toEqual(last.config);
    expect(Object.values(manifest.champions)).toEqual([`by-${runIdOf(last)}`]);
    expect(batch.names).toEqual([`${runId}-score-1`, `${runId}-export-1`]);
    expect(missing).toEqual(manifest.missing);
    expect(missing).toEqual([
      expect.objectContaining({ kind: 'pending', key: keyOf(YESTERDAY) }),
      {
        kind: 'settings',
        key: 'drop/log/',
        why: expect.stringMatching(/changed ones 12 % of the history is through, and 95 % is needed$/),
      },
    ]);
    await succeedAll(shop, batch);
    expect((await call(shop, batch, { now: at('05:05') })).state).toBe('finished');
    // when all is cleaned again
    await bring(shop, HISTORY);
    const next = await call(shop, batch, { now: at('02:30', TOMORROW) });
    // then
    const after = await readManifest(shop.store, next.runId!);
    expect(next).toMatchObject({ state: 'started', missing: [] });
    expect(after.config).toEqual(shop.config);
    expect(mappings(after)).toEqual(new Set([mappingOf(shop.config, logOf(shop.config))]));
    expect(drops(after)).toEqual([...HISTORY, YESTERDAY].map(keyOf));
    expect(after).not.toHaveProperty('partial');
  });

  it('of the code that cleans, which no setting tells, goes by what the last version cleaned', async () => {
    // given: what stands was cleaned by another version, and so was the last night
    const night = await afterANight();
    const { shop, batch } = night;
    const mapping = mappingOf(shop.config, logOf(shop.config));
    const other = '0123456789abcdef';
    await renamed(shop.store, mapping, other);
    expect((await listDrops(shop.store, shop.config)).map(({ state }) => state)).toEqual(
      HISTORY.map(() => 'pending'),
    );
    await bring(shop, HISTORY.slice(-3));
    // when
    const { runId } = await call(shop, batch, { now: DEADLINE });
    // then
    const manifest = await readManifest(shop.store, runId!);
    expect(mappings(manifest)).toEqual(new Set([other]));
    expect(drops(manifest)).toEqual(HISTORY.map(keyOf));
    expect(Object.values(manifest.champions)).not.toContain(null);
    // and: of those drops that the old one has, 95 % are enough for the new one
    await bring(shop, HISTORY.slice(2));
    const next = await call(shop, batch, { now: at('05:00', TOMORROW) });
    const after = await readManifest(shop.store, next.runId!);
    expect(mappings(after)).toEqual(new Set([mapping]));
    expect(drops(after)).toEqual(HISTORY.slice(2).map(keyOf));
  });

  it('has them cleaned again latest day first, some in a call, also once it has begun', async () => {
    // given
    const night = await afterANight();
    const shop = changed(night, CHANGES[0]![1]);
    const { sent, resend } = resending();
    // The wall's clock stamps the drops. Early on the day after: seven hours later it is still that day.
    const { lastModified } = (await shop.store.head(keyOf(HISTORY[0]!)))!;
    const now = new Date(
      `${new Date(lastModified.getTime() + 86_400_000).toISOString().slice(0, 10)}T03:00:00Z`,
    );
    const always = shopConfig({
      ...CHANGES[0]![1],
      nightly: { from: '00:00', deadline: '00:05', onMissing: 'score' },
    });
    // when: the night begins at once
    const { state } = await call({ ...shop, config: always }, night.batch, { now, resend });
    // then
    expect(state).toBe('started');
    expect(sent).toEqual([...HISTORY].reverse().map(keyOf));
    // when: hours later, the night is over and half of it is still to be done
    await bring(shop, HISTORY.slice(0, 20));
    await succeedAll(shop, night.batch);
    sent.length = 0;
    const again = new Date(now.getTime() + 7 * 3_600_000);
    expect((await call({ ...shop, config: always }, night.batch, { now: again, resend })).state).toBe(
      'finished',
    );
    // then
    expect(sent).toEqual([...HISTORY.slice(20)].reverse().map(keyOf));
  });

  it.each([
    ['refuse every drop', log({ columns: { user: 'nobody', time: '"at"', type: "'view'" } })],
    ['find no row in any', log({ where: { none: 'false' } })],
  ])('does not end with settings that %s; the setting minHistory lets them', async (_, changes) => {
    // given
    const night = await afterANight();
    const shop = changed(night, changes);
    await bring(shop, HISTORY);
    // when
    const early = await call(shop, night.batch);
    const { runId, missing } = await call(shop, night.batch, { now: DEADLINE });
    // then
    expect(early).toMatchObject({ state: 'waiting', pending: 0 });
    expect((await readManifest(shop.store, runId!)).inputs).toEqual(night.last.inputs);
    expect(missing).toMatchObject([{ kind: 'settings', key: 'drop/log/' }]);
    // and
    const wanted = changed(night, { ...changes, nightly: { minHistory: 0 } });
    expect(await call(wanted, night.batch, { now: at('05:00', TOMORROW) })).toMatchObject({
      state: 'waiting',
      reason: expect.stringContaining('nothing to learn from'),
    });
  });

  it('counts bytes, and each source for itself', async () => {
    // given: of two sources one has a long file and short ones
    const web = shopConfig().sources.log!;
    const sources = (type: string): ConfigInput['sources'] => ({ ...ofType(type).sources, web });
    const shop = await openShop({ sources: sources("'purchase'") });
    const days = HISTORY.slice(0, 30);
    await dropped(shop, 'long.csv', purchases(...days, ...days, ...days, ...days));
    for (const day of HISTORY.slice(30)) await dropped(shop, nameOf(day), purchases(day));
    for (const day of HISTORY) await shop.store.put(`drop/web/${nameOf(day)}`, purchases(...HISTORY, day));
    await ingest(shop);
    const batch = new RecordingBatch();
    await call(shop, batch, { now: at('02:30', YESTERDAY) });
    await succeedAll(shop, batch);
    const next: Shop = { ...shop, config: shopConfig({ sources: sources("'view'") }) };
    // when: ten of eleven drops are cleaned again, and nearly all bytes of both sources together
    await bring(next, HISTORY.slice(30));
    const { missing } = await call(next, batch, { now: DEADLINE });
    // then
    expect(missing).toMatchObject([{ kind: 'settings', key: 'drop/log/' }]);
  });

  it('a source that is gone from the settings holds nothing back', async () => {
    const night = await afterANight();
    const { log: source } = shopConfig().sources;
    const shop = changed(night, { sources: { web: source! } });
    await shop.store.put('drop/web/day.csv', purchases(...HISTORY));
    await ingest(shop);
    const { state, runId } = await call(shop, night.batch);
    expect(state).toBe('started');
    expect(drops(await readManifest(shop.store, runId!))).toEqual(['drop/web/day.csv']);
  });

  it('without a night before it takes what is there, and its model serves it alone', async () => {
    // given
    const shop = await openShop();
    for (const day of HISTORY) await dropped(shop, nameOf(day), purchases(day));
    await bring(shop, HISTORY.slice(-4));
    const batch = new RecordingBatch();
    // when
    const { runId } = await call(shop, batch, { now: DEADLINE });
    await succeedAll(shop, batch);
    // then
    const manifest = await readManifest(shop.store, runId!);
    expect(manifest.partial).toBe('of source log 10 % of the history is through, and 95 % is needed');
    await bring(shop, HISTORY);
    const next = await call(shop, batch, { now: at('02:30', TOMORROW) });
    expect(Object.values((await readManifest(shop.store, next.runId!)).champions)).toEqual([null]);
  });
});

/** Everything that was made, under other names and telling of them, as another version would have left it. */
async function renamed(store: ObjectStore, mapping: string, other: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) if (!key.startsWith('drop/')) keys.push(key);
  for (const key of keys) {
    const bytes = (await getBytes(store, key))!;
    const text = Buffer.from(bytes).toString();
    const told = key.endsWith('.json') && text.includes(mapping);
    if (!told && !key.includes(mapping)) continue;
    await store.delete(key);
    await store.put(key.replace(mapping, other), told ? text.replaceAll(mapping, other) : bytes);
  }
}
