import { describe, expect, it } from 'vitest';
import { claimKey, listDrops, readManifest } from '../../lib/run/index.ts';
import { AGAIN_MS } from '../../lib/run/resend.ts';
import { putJson, readJson } from '../../lib/runtime/index.ts';
import {
  at,
  call,
  claims,
  copyOf,
  DEADLINE,
  daysBefore,
  dropped,
  guardedStore,
  ingest,
  NIGHT,
  openShop,
  purchases,
  RecordingBatch,
  readyShop,
  shopConfig,
  succeed,
  succeedAll,
  TODAY,
} from './kit.ts';

const expecting = { nightly: { expect: ['log'] } };

describe('a night', () => {
  it('goes from nothing to its export, call by call', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    // when / then
    expect(await call(shop, batch, { now: at('01:55') })).toMatchObject({ state: 'idle', stages: {} });
    expect(batch.jobs).toEqual([]);
    const started = await call(shop, batch);
    expect(started).toMatchObject({
      kind: 'tick',
      asOf: TODAY,
      state: 'started',
      pending: 0,
      missing: [],
      stages: { finetune: 'submitted', score: 'submitted', export: 'submitted' },
    });
    expect(await readManifest(shop.store, started.runId!)).toMatchObject({ purpose: 'night', asOf: TODAY });
    const [finetune, score, exported] = batch.jobs;
    expect(finetune).toMatchObject({ definition: 'finetune', attempts: 4 });
    expect(finetune?.arraySize).toBeUndefined();
    expect(score).toMatchObject({
      arraySize: 2,
      dependsOn: [finetune?.id],
      environment: { NIGHTJAR_RUN: started.runId, NIGHTJAR_CHILDREN: '2' },
    });
    expect(exported).toMatchObject({ dependsOn: [score?.id], environment: { NIGHTJAR_CHILDREN: '1' } });
    expect(await readJson(shop.store, `runs/${started.runId}/jobs/score-1.json`)).toEqual({
      jobId: score?.id,
      submittedAt: NIGHT.toISOString(),
      failures: 0,
      away: 0,
    });
    await succeed(shop, batch, 'finetune');
    score!.status = 'RUNNING';
    expect(await call(shop, batch)).toMatchObject({
      state: 'running',
      runId: started.runId,
      stages: { finetune: 'done', score: 'running', export: 'submitted' },
    });
    const watched = await call(shop, batch, { kind: 'watchdog', now: at('08:00') });
    expect(watched.exportMissing).toBe('the run is not finished');
    await succeed(shop, batch, 'score');
    await succeed(shop, batch, 'export');
    expect((await call(shop, batch)).state).toBe('finished');
    const ended = await call(shop, batch, { kind: 'watchdog', now: at('08:00') });
    expect(ended).toMatchObject({ state: 'finished', runId: started.runId });
    expect(ended).not.toHaveProperty('exportMissing');
    expect(batch.jobs).toHaveLength(3);
  });

  it('is not done before the pointer to its export is moved', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    await call(shop, batch);
    await succeedAll(shop, batch);
    await shop.store.delete(`exports/as_of=${TODAY}/current.json`);
    // when
    const result = await call(shop, batch);
    // then
    expect(result).toMatchObject({ state: 'running', stages: { score: 'done', export: 'submitted' } });
    expect(batch.names.at(-1)).toBe(`${result.runId}-export-2`);
  });

  it('lets score wait for nothing where a champion serves, and folds on from the night before', async () => {
    // given: yesterday's night is over
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const yesterday = await call(shop, batch, { now: at('02:30', daysBefore(TODAY, 1)) });
    await succeedAll(shop, batch);
    // when
    const { runId, state } = await call(shop, batch);
    // then
    expect(state).toBe('started');
    expect(batch.names.slice(3)).toEqual([`${runId}-score-1`, `${runId}-export-1`]);
    expect(batch.job('score').dependsOn).toBeUndefined();
    const { champions, snapshot } = await readManifest(shop.store, runId!);
    expect(Object.values(champions)).toEqual([`by-${yesterday.runId}`]);
    expect(snapshot?.runId).toBe(yesterday.runId);
    // and: states that have expired serve nobody
    const later = { now: at('02:30', '2025-01-16') };
    for await (const { key } of shop.store.list('snapshots/')) await shop.store.delete(key);
    const next = await call(shop, batch, later);
    expect((await readManifest(shop.store, next.runId!)).snapshot).toBeNull();
  });

  it.each([
    [1, 4, undefined],
    [3, 4, 3],
    [10_000, 4, 4],
    [10, 1, undefined],
  ])('with %i children and %i shards has an array of %s', async (scoreChildren, shards, arraySize) => {
    const shop = await readyShop({ shards, deploy: { scoreChildren } });
    const batch = new RecordingBatch();
    await call(shop, batch);
    expect(batch.job('score').arraySize).toBe(arraySize);
    expect(batch.job('score').environment.NIGHTJAR_CHILDREN).toBe(String(arraySize ?? 1));
  });

  it('is finished on the next day too, before that day begins its own', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const { runId } = await call(shop, batch);
    await succeed(shop, batch, 'finetune');
    batch.fail('score', 'Host EC2 terminated');
    // when
    const early = await call(shop, batch, { now: at('00:10', '2025-01-16') });
    // then
    expect(early).toMatchObject({ state: 'idle', asOf: '2025-01-16', others: [{ runId, state: 'running' }] });
    expect(batch.names.slice(3)).toEqual([`${runId}-score-2`, `${runId}-export-2`]);
    await succeedAll(shop, batch);
    expect((await call(shop, batch, { now: at('00:15', '2025-01-16') })).others).toEqual([]);
  });
});

describe('a stage that fails', () => {
  it('is submitted three times, then the run has failed and says why', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const { runId } = await call(shop, batch);
    await succeed(shop, batch, 'finetune');
    for (const _ of [1, 2]) {
      batch.fail('score', 'exit code 1: no memory left');
      expect((await call(shop, batch)).state).toBe('running');
    }
    // when
    batch.fail('score', 'exit code 1: no memory left');
    const result = await call(shop, batch);
    // then
    const reason = `score of run ${runId} failed: exit code 1: no memory left`;
    expect(result).toMatchObject({ state: 'failed', reason, stages: { finetune: 'done', score: 'failed' } });
    const scores = batch.names.filter((name) => name.includes('score'));
    expect(scores).toEqual([1, 2, 3].map((n) => `${runId}-score-${n}`));
    const count = batch.jobs.length;
    expect((await call(shop, batch, { kind: 'watchdog' })).exportMissing).toBe(reason);
    expect(batch.jobs).toHaveLength(count);
    // and: the next day's calls tell of it once
    const next = async () => (await call(shop, batch, { now: at('00:15', '2025-01-16') })).others;
    expect(await next()).toEqual([{ runId, state: 'failed', reason }]);
    expect(await next()).toEqual([]);
    // and: what stands is done, whoever made it
    batch.jobs.at(-1)!.status = 'SUBMITTED';
    await succeed(shop, batch, 'score');
    await succeed(shop, batch, 'export');
    expect((await call(shop, batch)).state).toBe('finished');
  });

  it.each(['forgotten', 'succeeded without its objects'])('is submitted again when %s', async (what) => {
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const { runId } = await call(shop, batch);
    await succeed(shop, batch, 'finetune');
    if (what === 'forgotten') batch.forget('score');
    else batch.job('score').status = 'SUCCEEDED';
    const result = await call(shop, batch);
    expect(result.stages.score).toBe('submitted');
    expect(batch.names.at(-1)).toBe(`${runId}-score-2`);
  });
});

describe('what has not arrived', () => {
  it('is waited for until the deadline, then named and done without', async () => {
    // given: the last file ends two days before
    const shop = await readyShop(expecting);
    await shop.store.delete('drop/log/yesterday.csv');
    const batch = new RecordingBatch();
    // when
    const waiting = await call(shop, batch, { now: at('04:55') });
    const started = await call(shop, batch, { now: DEADLINE });
    // then
    const why = `source log is expected to reach ${daysBefore(TODAY, 1)}: its last day is ${daysBefore(TODAY, 2)}`;
    const missing = [{ kind: 'expected', key: 'drop/log/', why }];
    expect(waiting).toMatchObject({ state: 'waiting', missing, reason: `drop/log/: ${why}` });
    expect(started).toMatchObject({ state: 'started', missing });
    expect((await readManifest(shop.store, started.runId!)).missing).toEqual(missing);
  });

  it('starts the night at once when it has arrived', async () => {
    const shop = await readyShop(expecting);
    const result = await call(shop, new RecordingBatch());
    expect(result).toMatchObject({ state: 'started', missing: [] });
  });

  it('holds the night where the config says so', async () => {
    const shop = await readyShop({ nightly: { ...expecting.nightly, onMissing: 'hold' } });
    await shop.store.delete('drop/log/yesterday.csv');
    const batch = new RecordingBatch();
    const held = await call(shop, batch, { now: at('05:05') });
    expect(held.state).toBe('held');
    const watched = await call(shop, batch, { now: at('08:00'), kind: 'watchdog' });
    expect(watched.exportMissing).toContain('source log is expected to reach');
    expect(await claims(shop.store)).toEqual([]);
    await dropped(shop, 'late.csv', purchases(daysBefore(TODAY, 1)));
    await ingest(shop);
    expect((await call(shop, batch, { now: at('11:00') })).state).toBe('started');
  });

  it('is waited for while it is cleaned, and its message sent again when that takes too long', async () => {
    // given: one drop that nothing was done with, one whose day rows are missing
    const shop = await readyShop();
    await dropped(shop, 'late.csv', purchases(daysBefore(TODAY, 3)));
    const rows = (await listDrops(shop.store, shop.config)).find(({ key }) => key.endsWith('past.csv'));
    const clean = (rows?.state === 'done' && rows.clean) || '';
    await shop.store.delete(clean.replace('clean/events', await daysFolder(shop.store)));
    const batch = new RecordingBatch();
    const resent: string[][] = [];
    const resend = async (keys: readonly string[]) => void resent.push([...keys]);
    // when: by the clock of the store, which is the wall's
    const droppedAt = (await shop.store.head('drop/log/late.csv'))!.lastModified.getTime();
    const night = shopConfig({
      nightly: { from: '00:00', deadline: '23:55', expect: [], onMissing: 'hold' },
    });
    const minutes = (n: number) => ({ now: new Date(droppedAt + n * 60_000), resend });
    const soon = await call({ ...shop, config: night }, batch, minutes(10));
    const late = await call({ ...shop, config: night }, batch, minutes(31));
    await call({ ...shop, config: night }, batch, minutes(36));
    await call({ ...shop, config: night }, batch, minutes(62));
    const { now } = minutes(31);
    await call({ ...shop, config: night }, batch, { now: new Date(now.getTime() + AGAIN_MS), resend });
    // then
    expect(soon).toMatchObject({ pending: 2, stale: [] });
    expect(late.stale).toEqual(['drop/log/late.csv', clean]);
    expect(resent).toEqual([late.stale, late.stale]);
    expect(late.missing.map(({ kind, why }) => `${kind}: ${why}`)).toEqual([
      'pending: not cleaned yet',
      'pending: cleaned, its day rows are not built yet',
    ]);
    expect(batch.jobs).toEqual([]);
  });

  it('gets its message by day as well, from a heartbeat, which starts no night', async () => {
    // given a drop that nothing was done with, and all that a night needs
    const shop = await readyShop();
    await dropped(shop, 'late.csv', purchases(daysBefore(TODAY, 3)));
    const droppedAt = (await shop.store.head('drop/log/late.csv'))!.lastModified.getTime();
    const batch = new RecordingBatch();
    const resent: string[] = [];
    // when the night would begin at any hour
    const config = shopConfig({
      nightly: { from: '00:00', deadline: '00:05', expect: [], onMissing: 'score' },
    });
    const now = new Date(droppedAt + 31 * 60_000);
    const resend = async (keys: readonly string[]) => void resent.push(...keys);
    const found = await call({ ...shop, config }, batch, { kind: 'heartbeat', now, resend });
    // then
    expect(found).toMatchObject({ kind: 'heartbeat', state: 'idle', pending: 1 });
    expect(resent).toEqual(['drop/log/late.csv']);
    expect(batch.jobs).toEqual([]);
    expect(await claims(shop.store)).toEqual([]);
  });

  it('but was refused, holds nothing up and is named', async () => {
    // given
    const shop = await readyShop(expecting);
    await dropped(shop, 'poison.csv', 'nothing,of,this\n1,2,3\n');
    await shop.store.put('drop/elsewhere/poison.csv', 'x');
    await ingest(shop);
    // when
    const { state, missing } = await call(shop, new RecordingBatch());
    // then
    expect(state).toBe('started');
    expect(missing.map(({ kind, key }) => [kind, key])).toEqual([
      ['refused', 'drop/elsewhere/poison.csv'],
      ['refused', 'drop/log/poison.csv'],
    ]);
  });

  it('is no error in a shop that has dropped too little yet', async () => {
    const shop = await openShop();
    await dropped(shop, 'first.csv', purchases(daysBefore(TODAY, 1)));
    await ingest(shop);
    const batch = new RecordingBatch();
    const result = await call(shop, batch, { now: at('06:00') });
    expect(result).toMatchObject({
      state: 'waiting',
      reason: expect.stringContaining('no events of two days'),
    });
    expect(batch.jobs).toEqual([]);
  });
});

it('a drop that is replaced during the night changes nothing for that night', async () => {
  // given
  const shop = await readyShop();
  const batch = new RecordingBatch();
  const { runId } = await call(shop, batch);
  const manifest = await readManifest(shop.store, runId!);
  // when
  await dropped(shop, 'yesterday.csv', purchases(daysBefore(TODAY, 1), daysBefore(TODAY, 2)));
  const during = await call(shop, batch);
  await ingest(shop);
  await succeedAll(shop, batch);
  const after = await call(shop, batch);
  // then
  expect([during, after].map((result) => [result.runId, result.state])).toEqual([
    [runId, 'running'],
    [runId, 'finished'],
  ]);
  expect(await readManifest(shop.store, runId!)).toEqual(manifest);
  // and: the next night reads the new version
  const next = await call(shop, batch, { now: at('02:30', '2025-01-16') });
  const { inputs } = await readManifest(shop.store, next.runId!);
  expect(inputs.events.map(({ revision }) => revision)).not.toEqual(
    manifest.inputs.events.map(({ revision }) => revision),
  );
});

describe('the day of a night is the shop’s', () => {
  it.each([
    ['in Tokyo it is tomorrow', 'Asia/Tokyo', '2025-01-14T17:30:00Z', '2025-01-15', 'started'],
    [
      'in Los Angeles it is yesterday',
      'America/Los_Angeles',
      '2025-01-16T07:59:00Z',
      '2025-01-15',
      'started',
    ],
    ['just before midnight in Auckland', 'Pacific/Auckland', '2025-01-15T10:59:00Z', '2025-01-15', 'started'],
    ['just after it', 'Pacific/Auckland', '2025-01-15T11:00:00Z', '2025-01-16', 'idle'],
    ['a quarter before two in Kathmandu', 'Asia/Kathmandu', '2025-01-14T20:00:00Z', '2025-01-15', 'idle'],
    [
      'a minute before two where two never comes',
      'Europe/Berlin',
      '2025-03-30T00:59:00Z',
      '2025-03-30',
      'idle',
    ],
    ['a minute later, at three', 'Europe/Berlin', '2025-03-30T01:00:00Z', '2025-03-30', 'started'],
    ['at two for the first time', 'Europe/Berlin', '2025-10-26T00:00:00Z', '2025-10-26', 'started'],
    ['at two for the second time', 'Europe/Berlin', '2025-10-26T01:00:00Z', '2025-10-26', 'started'],
    ['where midnight never comes', 'Africa/Cairo', '2025-04-24T22:00:00Z', '2025-04-25', 'idle'],
  ])('%s', async (_, timeZone, now, asOf, state) => {
    const shop = await openShop({ shop: { timeZone } });
    await dropped(shop, 'past.csv', purchases('2024-12-30', '2025-01-10'));
    await ingest(shop);
    const result = await call(shop, new RecordingBatch(), { now: new Date(now) });
    expect(result).toMatchObject({ asOf, state });
  });
});

it('lists a bucket with few requests, and reads a quality record once', async () => {
  // given
  const shop = await copyOf(await readyShop());
  for (let i = 0; i < 20; i++) await dropped(shop, `${i}.csv`, purchases(daysBefore(TODAY, 2 + i)));
  await ingest(shop);
  const asked: string[] = [];
  let now = 0;
  let most = 0;
  const store = guardedStore(shop.store, {
    async before(what) {
      asked.push(what.split('/')[0]!);
      most = Math.max(most, ++now);
    },
    async after() {
      now--;
    },
  });
  // when
  const drops = await listDrops(store, shop.config);
  const again = await listDrops(store, shop.config);
  // then
  const count = (what: string) => asked.filter((name) => name === what).length;
  expect(drops).toHaveLength(22);
  expect(again).toEqual(drops);
  expect([count('list drop'), count('list quality'), count('list days')]).toEqual([2, 2, 2]);
  expect(count('get quality')).toBe(22);
  expect(asked).toHaveLength(6 + 22);
  expect(most).toBeGreaterThan(8);
  expect(most).toBeLessThanOrEqual(16);
  // and: one that is written anew is read anew
  const { quality } = drops.find(({ state }) => state === 'done') as {
    quality: { dropId: string; revision: string };
  };
  await putJson(store, `quality/${quality.dropId}/${quality.revision}.json`, { ...quality, users: 99 });
  expect(
    (await listDrops(store, shop.config)).some((drop) => JSON.stringify(drop).includes('"users":99')),
  ).toBe(true);
});

/** Where the day rows stand. */
async function daysFolder(store: { list(prefix: string): AsyncIterable<{ key: string }> }): Promise<string> {
  for await (const { key } of store.list('days/')) return key.split('/').slice(0, 2).join('/');
  throw new Error('there are no day rows');
}

it('keeps the claim of a day under the name that others read', () => {
  expect(claimKey('night', TODAY)).toBe('runs/nights/as_of=2025-01-15.json');
  expect(claimKey('training', TODAY)).toBe('runs/nights/training-as_of=2025-01-15.json');
});
