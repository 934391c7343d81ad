import { describe, expect, it } from 'vitest';
import { deployOf, parseConfig } from '../../lib/config/index.ts';
import { attention, dueDay, jobCost, type StackJob } from '../../lib/operate/index.ts';

const config = parseConfig({
  shop: { timeZone: 'Europe/Berlin' },
  sources: {},
  tasks: {},
  nightly: { from: '02:00', deadline: '05:00' },
});
/** 08:30 in Berlin. */
const now = new Date('2026-01-15T07:30:00Z');
const fine = {
  config,
  now,
  stacks: [{ name: 'nightjar-prod-batch', status: 'UPDATE_COMPLETE' }],
  queues: [{ name: 'clean' as const, waiting: 3, inFlight: 1, dead: 0 }],
  jobs: [],
  exports: [{ asOf: '2026-01-15', runId: 'r', finishedAt: '2026-01-15T04:00:00.000Z' }],
  drops: 12,
};
const job = (changes: Partial<StackJob> = {}): StackJob => ({
  id: '1',
  name: '2026-01-15-abc-score-1',
  queue: 'gpu',
  status: 'FAILED',
  reason: 'Essential container exited; exit code 1',
  children: 1,
  createdAt: new Date('2026-01-15T04:30:00Z'),
  startedAt: new Date('2026-01-15T05:00:00Z'),
  stoppedAt: new Date('2026-01-15T05:30:00Z'),
  ...changes,
});

describe('what needs a person', () => {
  it('is nothing where all is well', () => {
    expect(attention(fine)).toEqual([]);
  });

  it('is a dead letter', () => {
    const queues = [{ name: 'features' as const, waiting: 0, inFlight: 0, dead: 2 }];
    expect(attention({ ...fine, queues })).toEqual([
      '2 dead in queue features: "nightjar redrive --queue features" tells why',
    ]);
  });

  it('is a job that failed and was not made good', () => {
    expect(attention({ ...fine, jobs: [job()] })).toEqual([
      'job 2026-01-15-abc-score-1 failed: Essential container exited; exit code 1',
    ]);
    // when tried again with success
    const again = job({
      name: '2026-01-15-abc-score-2',
      status: 'SUCCEEDED',
      createdAt: new Date('2026-01-15T06:00:00Z'),
    });
    expect(attention({ ...fine, jobs: [job(), again] })).toEqual([]);
    // when a night was finished afterwards
    const exports = [{ asOf: '2026-01-15', runId: 'r', finishedAt: '2026-01-15T06:30:00.000Z' }];
    expect(attention({ ...fine, jobs: [job()], exports })).toEqual([]);
  });

  it('is an export that should stand', () => {
    const exports = [{ asOf: '2026-01-14', runId: 'r', finishedAt: '2026-01-14T04:00:00.000Z' }];
    expect(attention({ ...fine, exports })).toEqual([
      'no export of 2026-01-15: the last one is of 2026-01-14',
    ]);
    // an hour before it is due, yesterday's is enough
    expect(attention({ ...fine, exports, now: new Date('2026-01-15T05:30:00Z') })).toEqual([]);
  });

  it('is a first night that did not come, but not an empty bucket', () => {
    expect(attention({ ...fine, exports: [] })).toHaveLength(1);
    expect(attention({ ...fine, exports: [], drops: 0 })).toEqual([]);
  });

  it('is a stack that was not deployed to its end', () => {
    const stacks = [{ name: 'nightjar-prod-batch', status: 'UPDATE_ROLLBACK_COMPLETE' }];
    expect(attention({ ...fine, stacks })[0]).toContain('UPDATE_ROLLBACK_COMPLETE');
  });
});

describe('the day whose export is due', () => {
  it.each([
    ['05:00', '2026-01-15T05:59:00Z', '2026-01-14'],
    ['05:00', '2026-01-15T06:00:00Z', '2026-01-15'],
    ['05:30', '2026-01-15T06:29:00Z', '2026-01-14'],
    ['05:30', '2026-01-15T06:30:00Z', '2026-01-15'],
    // An hour earlier by the clock of summer.
    ['05:00', '2026-07-15T05:00:00Z', '2026-07-15'],
    // The last minutes of the day at the latest.
    ['23:30', '2026-01-15T22:54:00Z', '2026-01-14'],
    ['23:30', '2026-01-15T22:55:00Z', '2026-01-15'],
  ])('with the deadline %s, at %s, is %s', (deadline, at, day) => {
    const late = { ...config, nightly: { ...config.nightly, deadline } };
    expect(dueDay(late, new Date(at))).toBe(day);
  });
});

describe('what jobs cost', () => {
  const queues = { finetune: 'gpu', score: 'gpu', export: 'cpu', clean: 'cpu' };
  const deploy = deployOf({ ...config, environments: { prod: { compute: 'gpu' } } }, 'prod');

  it('counts every child, on the queue that its job had, up to now where it runs', () => {
    // given an array of 4 that ran half an hour, an export that has run an hour, and a job that waits
    const { startedAt, stoppedAt, ...waiting } = job({ status: 'RUNNABLE' });
    const { stoppedAt: _, ...running } = job({
      queue: 'cpu',
      status: 'RUNNING',
      startedAt: new Date('2026-01-15T06:30:00Z'),
    });
    const jobs = [job({ children: 4 }), running, waiting];
    // when
    const cost = jobCost(jobs, queues, deploy, now);
    // then
    expect(cost).toMatchObject({ gpuHours: 2, cpuHours: 1, days: 7 });
    expect(cost.usd).toBeGreaterThan(0);
    expect(cost.note).toContain('an estimate');
  });

  it('is nothing without jobs, and says when it knows no price', () => {
    expect(
      jobCost(
        [job({ queue: 'cpu' })],
        { ...queues, finetune: 'cpu', score: 'cpu' },
        deployOf(config, 'prod'),
        now,
      ),
    ).toMatchObject({
      gpuHours: 0,
      note: expect.not.stringContaining('GPU'),
    });
    expect(jobCost([], queues, deploy, now).usd).toBe(0);
    const gpu = { ...deploy.gpu, instanceTypes: ['g9.huge'] };
    expect(jobCost([job()], queues, { ...deploy, gpu }, now).note).toContain('without a price');
  });
});
