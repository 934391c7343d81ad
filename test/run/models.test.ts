import { describe, expect, it } from 'vitest';
import { championOf, promote } from '../../lib/registry/index.ts';
import { claimKey, readManifest, taskGroups } from '../../lib/run/index.ts';
import { putJson } from '../../lib/runtime/index.ts';
import {
  at,
  call,
  claims,
  cleanOne,
  daysBefore,
  dropped,
  ingest,
  openShop,
  purchases,
  RecordingBatch,
  readyShop,
  type Shop,
  shopConfig,
  succeed,
  succeedAll,
  TODAY,
} from './kit.ts';

/** The Sunday after, when new models are due. */
const SUNDAY = '2025-01-19';
const groupOf = ({ config }: Shop) => taskGroups(config)[0]!.name;

describe('the weekly training', () => {
  it('is a run of its own that leaves the night alone, and serves the next one', async () => {
    // given: a champion of Wednesday, and the night of Sunday under way
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const first = await call(shop, batch);
    await succeedAll(shop, batch);
    const night = await call(shop, batch, { now: at('02:30', SUNDAY) });
    // when
    const started = await call(shop, batch, { kind: 'finetune', now: at('03:00', SUNDAY) });
    // then
    expect(started).toMatchObject({ kind: 'finetune', state: 'started', stages: { finetune: 'submitted' } });
    expect(batch.names.at(-1)).toBe(`${started.runId}-finetune-1`);
    expect(await readManifest(shop.store, started.runId!)).toMatchObject({
      purpose: 'training',
      asOf: SUNDAY,
    });
    // when: its job fails once, which a tick sees, and then ends before the night does
    batch.fail('finetune', 'spot');
    const ticked = await call(shop, batch, { now: at('03:05', SUNDAY) });
    await succeed(shop, batch, 'finetune');
    // then
    expect(ticked).toMatchObject({ state: 'running', runId: night.runId });
    expect(ticked.others).toEqual([{ runId: started.runId, state: 'running' }]);
    expect(batch.names.at(-1)).toBe(`${started.runId}-finetune-2`);
    expect(Object.values((await readManifest(shop.store, night.runId!)).champions)).toEqual([
      `by-${first.runId}`,
    ]);
    await succeedAll(shop, batch);
    expect(await call(shop, batch, { now: at('03:10', SUNDAY) })).toMatchObject({
      state: 'finished',
      others: [],
    });
    expect((await call(shop, batch, { kind: 'finetune', now: at('03:30', SUNDAY) })).state).toBe('finished');
    const next = await call(shop, batch, { now: at('02:30', '2025-01-20') });
    expect(Object.values((await readManifest(shop.store, next.runId!)).champions)).toEqual([
      `by-${started.runId}`,
    ]);
    expect(batch.names.filter((name) => name.startsWith(started.runId!))).toHaveLength(2);
  });

  it.each([
    ['on another weekday', 'sunday', TODAY],
    ['never', 'never', SUNDAY],
  ] as const)('does nothing %s', async (_, finetune, day) => {
    const shop = await readyShop({ nightly: { finetune } });
    const batch = new RecordingBatch();
    const result = await call(shop, batch, { kind: 'finetune', now: at('03:00', day) });
    expect(result.state).toBe('idle');
    expect(batch.jobs).toEqual([]);
    expect(await claims(shop.store)).toEqual([]);
  });

  it('waits without anything to learn from', async () => {
    const result = await call(await openShop(), new RecordingBatch(), {
      kind: 'finetune',
      now: at('03:00', SUNDAY),
    });
    expect(result.state).toBe('waiting');
  });
});

describe('a champion', () => {
  it('gives way to one that is as young or younger, never to an older one', async () => {
    // given
    const { store } = await openShop();
    const serve = (version: string, asOf: string | null) =>
      promote(store, 'g', version, { asOf, reason: 'test' });
    // when / then
    expect(await serve('a', '2025-01-10')).toBe(true);
    expect(await serve('b', '2025-01-09')).toBe(false);
    expect(await serve('c', '2025-01-10')).toBe(true);
    expect(await championOf(store, 'g', '2025-01-10')).toBe('c');
    expect(await championOf(store, 'g', '2025-01-09')).toBeNull();
    expect(await championOf(store, 'g')).toBe('c');
  });
});

describe('a backfill', () => {
  const PAST = daysBefore(TODAY, 10);

  it('never uses a champion that was trained as of a later day, and makes none', async () => {
    // given: a champion as of today, planted
    const shop = await readyShop();
    const group = groupOf(shop);
    await promote(shop.store, group, 'knows-the-future', { asOf: TODAY, reason: 'planted' });
    const batch = new RecordingBatch();
    // when
    const result = await call(shop, batch, { kind: 'backfill', asOf: PAST, now: at('12:00') });
    // then
    expect(result).toMatchObject({ kind: 'backfill', asOf: PAST, state: 'started' });
    const manifest = await readManifest(shop.store, result.runId!);
    expect(manifest).toMatchObject({ purpose: 'backfill', asOf: PAST, champions: { [group]: null } });
    expect(manifest.inputs.events.map(({ drop }) => drop)).toEqual(['drop/log/past.csv']);
    expect(batch.names.map((name) => name.split('-').at(-2))).toEqual(['finetune', 'score', 'export']);
    await succeedAll(shop, batch);
    expect(await championOf(shop.store, group)).toBe('knows-the-future');
    expect(await claims(shop.store)).toEqual([claimKey('backfill', PAST)]);
  });

  it('uses one that was trained as of the day or before', async () => {
    const shop = await readyShop();
    const group = groupOf(shop);
    await promote(shop.store, group, 'knows-enough', { asOf: PAST, reason: 'planted' });
    const batch = new RecordingBatch();
    const { runId } = await call(shop, batch, { kind: 'backfill', asOf: PAST, now: at('12:00') });
    expect((await readManifest(shop.store, runId!)).champions).toEqual({ [group]: 'knows-enough' });
    expect(batch.job('score').dependsOn).toBeUndefined();
  });

  it('is asked for again: goes on, stands, and starts anew once other drops are there', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const ask = () => call(shop, batch, { kind: 'backfill', asOf: PAST, now: at('12:00') });
    const first = await ask();
    // when / then: ticks look after it
    expect((await ask()).state).toBe('running');
    batch.fail('finetune', 'spot');
    const ticked = await call(shop, batch, { now: at('01:00') });
    expect(ticked.others).toEqual([{ runId: first.runId, state: 'running' }]);
    await succeedAll(shop, batch);
    expect(await ask()).toMatchObject({ state: 'finished', runId: first.runId });
    // what arrives for later days is no reason to start anew
    await dropped(shop, 'today.csv', purchases(TODAY));
    await ingest(shop);
    expect(await ask()).toMatchObject({ state: 'finished', runId: first.runId });
    // what arrives for days before is
    await dropped(shop, 'found.csv', purchases(daysBefore(PAST, 3)));
    await ingest(shop);
    const second = await ask();
    expect(second.state).toBe('started');
    expect(second.runId).not.toBe(first.runId);
    await succeedAll(shop, batch);
    expect(await ask()).toMatchObject({ state: 'finished', runId: second.runId });
    // and back: that is no run of before, it folds on from their states, but readers see the latest
    await shop.store.delete('drop/log/found.csv');
    const third = await ask();
    await succeedAll(shop, batch);
    expect(await ask()).toMatchObject({ state: 'finished', runId: third.runId });
    expect(third.runId).not.toBe(second.runId);
    // and: the pointer is put back where another run has moved it
    await putJson(shop.store, `exports/as_of=${PAST}/current.json`, { runId: first.runId });
    expect(await ask()).toMatchObject({ state: 'running', stages: { export: 'submitted' } });
  });

  it('waits until enough of the history is cleaned, and what stands is not replaced before', async () => {
    // given: a day that was done, and settings by which everything is to be cleaned again
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const ask = (config = shop.config) =>
      call({ ...shop, config }, batch, { kind: 'backfill', asOf: PAST, now: at('12:00') });
    const { log } = shop.config.sources;
    const config = shopConfig({ sources: { log: { ...log!, toleranceHours: 7 } } });
    expect(await ask(config)).toMatchObject({
      state: 'waiting',
      reason: expect.stringContaining('nothing to learn from'),
    });
    const first = await ask();
    await succeedAll(shop, batch);
    // when: the short drop of the two is cleaned by them, and old enough to learn from
    await dropped(shop, 'old.csv', purchases(daysBefore(PAST, 40)));
    await cleanOne({ ...shop, config }, 'drop/log/old.csv');
    // then
    expect(await ask(config)).toMatchObject({ state: 'finished', runId: first.runId });
    await shop.store.delete(claimKey('backfill', PAST));
    expect(await ask(config)).toMatchObject({
      state: 'waiting',
      pending: 2,
      reason: expect.stringMatching(/^a past day can wait: of source log \d+ % of the history is through/),
    });
    await ingest({ ...shop, config });
    expect(await ask(config)).toMatchObject({ state: 'started', missing: [] });
  });

  it('that failed says so once, and asked again submits anew', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const ask = () => call(shop, batch, { kind: 'backfill', asOf: PAST, now: at('12:00') });
    const { runId } = await ask();
    for (const state of ['running', 'running', 'failed']) {
      batch.fail('finetune', 'exit code 1: a fault');
      expect((await ask()).state).toBe(state);
    }
    const count = batch.jobs.length;
    // when
    const again = await ask();
    // then
    expect(again).toMatchObject({ state: 'started', runId, stages: { finetune: 'submitted' } });
    expect(batch.names[count]).toBe(`${runId}-finetune-4`);
  });

  it('of a day that has not come, or of none, is refused', async () => {
    const shop = await readyShop();
    const ask = (asOf?: string) =>
      call(shop, new RecordingBatch(), { kind: 'backfill', now: at('12:00'), ...(asOf ? { asOf } : {}) });
    await expect(ask('2025-01-16')).rejects.toThrow('2025-01-16 has not come, today is 2025-01-15');
    await expect(ask('16.1.2025')).rejects.toThrow('YYYY-MM-DD');
    await expect(ask()).rejects.toThrow('needs a day');
    expect((await ask(TODAY)).state).toBe('started');
  });

  it('of a day before the first drop has nothing to do', async () => {
    const shop = await readyShop();
    const result = await call(shop, new RecordingBatch(), { kind: 'backfill', asOf: '2020-01-01' });
    expect(result.state).toBe('idle');
  });
});
