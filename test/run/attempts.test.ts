import { describe, expect, it } from 'vitest';
import { dueAfter, NO_FAILURES, type Tally, tallyAfter } from '../../lib/run/attempts.ts';
import { type RunManifest, readManifest } from '../../lib/run/index.ts';
import { windowLasts } from '../../lib/run/window.ts';
import type { JobFault } from '../../lib/runtime/index.ts';
import { at, call, RecordingBatch, readyShop, type Shop, succeed, succeedAll } from './kit.ts';

const AWAY = 'exit code 75: runs/x cannot be read: SlowDown';

const failed = (fault: JobFault) =>
  ({ id: 'id', name: 'name', status: 'FAILED', createdAt: new Date(0), fault }) as const;

/** Ticks of a night, every five minutes from 02:00 until the watchdog's. */
const TICKS = Array.from({ length: 61 }, (_, i) => new Date(at('02:00').getTime() + i * 300_000));

/** The shop clock of a tick. */
const clock = (time: Date) => new Date(time.getTime() + 3_600_000).toISOString().slice(11, 16);

/** Ends the last job of a stage, if it has not ended, as a fault that is away. */
function endAway(batch: RecordingBatch, stage: string): void {
  if (batch.names.some((name) => name.includes(stage)) && batch.job(stage).status === 'SUBMITTED') {
    batch.fail(stage, AWAY, 'away');
  }
}

describe('the tally of a stage', () => {
  const fold = (spared: boolean, ...faults: JobFault[]): Tally =>
    faults.reduce((tally: Tally, fault) => tallyAfter(tally, failed(fault), spared), NO_FAILURES);

  it('counts what fails by its own fault, and what is away only when the window is over', () => {
    expect(fold(true, 'work', 'work')).toEqual({ failures: 2, away: 0 });
    expect(fold(true, 'away', 'away', 'away', 'away')).toEqual({ failures: 0, away: 4 });
    expect(fold(false, 'away', 'away')).toEqual({ failures: 2, away: 2 });
    expect(fold(true, 'away', 'work', 'away')).toEqual({ failures: 1, away: 1 });
  });

  it('takes no notice of a job that never started, and counts one that nobody knows any more', () => {
    expect(fold(true, 'away', 'predecessor', 'predecessor')).toEqual({ failures: 0, away: 1 });
    expect(tallyAfter(NO_FAILURES, undefined, true)).toEqual({ failures: 1, away: 0 });
  });

  it('spaces the jobs', () => {
    const minutes = [0, 1, 2, 3, 4, 5, 20].map((away) => {
      const due = dueAfter({ submittedAt: new Date(0).toISOString() }, { failures: 0, away });
      return due && due.getTime() / 60_000;
    });
    expect(minutes).toEqual([undefined, 5, 10, 20, 40, 40, 40]);
  });
});

describe('the window of a run', () => {
  const CLAIM = { claimedAt: '2025-01-15T06:30:00Z' };
  const manifestOf = async (shop: Shop): Promise<RunManifest> => {
    const { runId } = await call(shop, new RecordingBatch(), { now: at('04:00') });
    return readManifest(shop.store, runId!);
  };

  it('of a night lasts until two hours after its deadline, on the shop’s clock, even over midnight', async () => {
    const night = await manifestOf(await readyShop());
    const lasts = (time: string, day?: string) => windowLasts(night, CLAIM, at(time, day));
    expect([lasts('02:00'), lasts('06:59')]).toEqual([true, true]);
    expect([lasts('07:00'), lasts('23:00'), lasts('02:00', '2025-01-16')]).toEqual([false, false, false]);
    const late = await manifestOf(await readyShop({ nightly: { from: '04:00', deadline: '23:00' } }));
    const lastsLate = (time: string) => windowLasts(late, CLAIM, at(time, '2025-01-16'));
    expect([lastsLate('00:59'), lastsLate('01:00')]).toEqual([true, false]);
  });

  it('of what was asked for lasts a day', async () => {
    const asked = { ...(await manifestOf(await readyShop())), purpose: 'backfill' as const };
    expect(windowLasts(asked, CLAIM, new Date('2025-01-16T06:29:00Z'))).toBe(true);
    expect(windowLasts(asked, CLAIM, new Date('2025-01-16T06:30:00Z'))).toBe(false);
  });
});

describe('a stage that finds a dependency away', () => {
  it('is tried again at growing distances, and its night is finished when that comes back', async () => {
    // given: away from before the first job until 02:40
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const submitted: string[] = [];
    const said: (string | undefined)[] = [];
    // when
    let state = '';
    for (const now of TICKS) {
      const before = batch.jobs.length;
      const result = await call(shop, batch, { now });
      state = result.state;
      if (batch.jobs.length > before) submitted.push(clock(now));
      else said.push(result.reason);
      if (state === 'finished') break;
      if (now < at('02:40')) endAway(batch, 'finetune');
      else await succeedAll(shop, batch);
    }
    // then: dependents never cost an attempt
    expect(state).toBe('finished');
    expect(submitted).toEqual(['02:00', '02:05', '02:15', '02:35', '03:15']);
    expect(said).toContainEqual(expect.stringMatching(/^finetune of .* tried again from .*: exit code 75/));
    const names = batch.names.map((name) => name.split('-').slice(-2).join('-'));
    expect(names.filter((name) => name.startsWith('score'))).toEqual(
      [1, 2, 3, 4, 5].map((n) => `score-${n}`),
    );
  });

  it.each(['finetune', 'score', 'export'])(
    'for a quarter of an hour does not end the night: %s',
    async (stage) => {
      // given
      const shop = await readyShop();
      const batch = new RecordingBatch();
      let awayUntil: Date | undefined;
      // when
      let ended: Date | undefined;
      for (const now of TICKS) {
        if ((await call(shop, batch, { now })).state === 'finished') {
          ended = now;
          break;
        }
        for (const one of ['finetune', 'score', 'export']) {
          const waits = one !== stage && awayUntil !== undefined && now < awayUntil;
          if (waits || !batch.names.some((name) => name.includes(`-${one}-`))) continue;
          if (one === stage) awayUntil ??= new Date(now.getTime() + 15 * 60_000);
          if (one === stage && now < awayUntil!) endAway(batch, stage);
          else if (batch.job(one).status === 'SUBMITTED') await succeed(shop, batch, one);
        }
      }
      // then: within half an hour
      expect(ended?.getTime()).toBeLessThanOrEqual(at('02:40').getTime());
    },
  );

  it('to the end of the window is told then, and taken up by the calls of the next nights, three times', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    for (const now of TICKS.slice(0, -1)) {
      expect(['started', 'running']).toContain((await call(shop, batch, { now })).state);
      endAway(batch, 'finetune');
    }
    // when
    const { runId, exportMissing } = await call(shop, batch, { now: at('07:00'), kind: 'watchdog' });
    // then: ten jobs, not sixty
    expect(exportMissing).toContain('exit code 75');
    const jobs = () => batch.names.filter((name) => name.startsWith(`${runId}-finetune`)).length;
    const before = jobs();
    expect(before).toBe(10);
    const others: unknown[] = [];
    for (let i = 0; i < 60; i++) {
      const now = new Date(at('00:00', '2025-01-16').getTime() + i * 300_000);
      const job = batch.jobs.findLast(({ name }) => name.startsWith(`${runId}-finetune`))!;
      Object.assign(job, { status: 'FAILED', reason: AWAY, fault: 'away' });
      others.push(...(await call(shop, batch, { now })).others.filter(({ state }) => state === 'failed'));
    }
    expect(jobs() - before).toBeLessThanOrEqual(3);
    expect(others).toEqual([expect.objectContaining({ runId, reason: expect.stringContaining(AWAY) })]);
  });

  it('and then fails by its own fault is given up for that alone, and not submitted again', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const ends = ['away', 'work', 'away', 'work', 'away', 'work'] as const;
    let now = at('02:00');
    for (const fault of ends) {
      expect((await call(shop, batch, { now })).state).not.toBe('failed');
      batch.fail('finetune', `it was ${fault}`, fault);
      now = new Date(now.getTime() + 45 * 60_000);
    }
    // when
    const count = batch.jobs.length;
    const results = [];
    for (let i = 0; i < 5; i++) {
      results.push(await call(shop, batch, { now: new Date(now.getTime() + i * 60_000) }));
    }
    // then
    for (const { state, reason } of results) {
      expect(state).toBe('failed');
      expect(reason).toMatch(/^finetune of run .* failed: it was work$/);
    }
    expect(batch.jobs).toHaveLength(count);
  });

  it('keeps its account in the records of its jobs, and says until when it waits', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    const { runId } = await call(shop, batch, { now: at('02:00') });
    endAway(batch, 'finetune');
    await call(shop, batch, { now: at('02:05') });
    endAway(batch, 'finetune');
    // when
    const waits = await call(shop, batch, { now: at('02:10') });
    // then
    expect(waits).toMatchObject({ state: 'running', runId, stages: { finetune: 'waiting' } });
    expect(waits.stages).not.toHaveProperty('score');
    expect(waits.reason).toContain('2025-01-15T01:15:00.000Z');
    expect(await records(shop, runId!)).toEqual([
      { failures: 0, away: 0 },
      { failures: 0, away: 1 },
    ]);
  });
});

async function records({ store }: Shop, runId: string): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for await (const { key } of store.list(`runs/${runId}/jobs/finetune-`)) {
    const { failures, away } = JSON.parse(Buffer.from(await (await store.get(key)).bytes()).toString());
    tallies.push({ failures, away });
  }
  return tallies;
}
