import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../lib/config/index.ts';
import type { TickResult } from '../../lib/run/index.ts';
import { hasMoto } from '../aws/moto.ts';
import { SLOW } from '../e2e/nights.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import type { AwsCall } from './aws-call.ts';
import { type Deployment, deploy } from './deployment.ts';
import type { Fault } from './gateway.ts';
import { drop, rowsOf, runNight, tickTime } from './nights.ts';
import {
  dropsOf,
  type Exported,
  exportsOf,
  FIRST_NIGHT,
  localNights,
  smallRetail,
  THIRTY_DAYS,
  TINY,
} from './retail.ts';
import { openWorld, type World } from './world.ts';

/** Every third of the drops before the night; the last one is of the day before it. */
const DROPS = dropsOf(THIRTY_DAYS.filter((name) => name < FIRST_NIGHT).filter((_, i) => i % 3 === 1));
const STAGES = ['finetune', 'score', 'export'] as const;
const MINUTE_MS = 60_000;

/** Outages that are short, and tests that need not wait for their end. */
const IMPATIENT = { NIGHTJAR_RETRY_SECONDS: '0.2' };

describe.skipIf(!hasMoto)('a night whose services are away', { timeout: SLOW }, () => {
  let config: Config;
  let deployment: Deployment;
  let local: Promise<Exported[]>;
  let world: World | undefined;

  beforeAll(async () => {
    const folder = await temporaryFolder();
    config = await smallRetail(folder, TINY);
    local = localNights(folder, [{ asOf: FIRST_NIGHT, drops: DROPS }]);
    local.catch(() => {});
    deployment = await deploy(folder);
  }, SLOW);

  afterEach(async () => {
    await world?.close();
    world = undefined;
  });

  const open = async (options: Partial<Parameters<typeof openWorld>[0]> = {}) => {
    world = await openWorld({
      ...deployment,
      root: await temporaryFolder(),
      seed: 'outages',
      jobs: 2,
      ...options,
    });
    return world;
  };

  /** The exports are those of good weather, every row is accounted for, no message has died, no role asked for too much. */
  const expectGoodNight = async ({ store, sqs, queues, refused }: World) => {
    expect((await exportsOf(store, FIRST_NIGHT)).files).toEqual((await local)[0]!.files);
    expect(await rowsOf(world!, config)).toMatchObject({ drops: DROPS.size, refused: 0, pending: 0 });
    for (const QueueUrl of [queues.cleanDead, queues.featuresDead]) {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '0' });
    }
    expect(refused).toEqual([]);
  };

  it('for half a minute in each stage outlasts them without another start of a job', async () => {
    // given: each stage loses every service a few calls after its start
    const OUTAGE_MS = 30_000;
    const kinds: readonly Fault[] = ['503', 'reset', '500', 'expired'];
    const calls = new Map<string, number>();
    const began = new Map<string, number>();
    const { batch, gateway } = await open({
      fault({ role }: AwsCall) {
        const n = (calls.get(role) ?? 0) + 1;
        calls.set(role, n);
        if (!STAGES.some((stage) => stage === role) || n < 5) return undefined;
        const since = performance.now() - (began.get(role) ?? began.set(role, performance.now()).get(role)!);
        return since < OUTAGE_MS ? kinds[n % kinds.length] : undefined;
      },
    });
    await drop(world!, DROPS);
    // when
    await runNight(world!, FIRST_NIGHT);
    // then
    await expectGoodNight(world!);
    expect([...began.keys()].sort()).toEqual([...STAGES].sort());
    const started = batch.started.map(({ program, attempt }) => `${program} ${attempt}`);
    expect(started.sort()).toEqual(['export 1', 'finetune 1', 'score 1', 'score 1']);
    for (const kind of kinds) expect(gateway.faults.get(kind)).toBeGreaterThan(3);
  });

  it.each(STAGES)(
    'for a quarter of an hour in the middle of %s is finished, with the stages that were done',
    async (stage) => {
      // given: from the stage's fifth call on nobody reaches anything, by the clock of the ticks
      let now = tickTime(FIRST_NIGHT, 0);
      let until: number | undefined;
      let calls = 0;
      const { batch, tick } = await open({
        variables: IMPATIENT,
        fault({ role }: AwsCall) {
          if (role === stage && ++calls === 5) until = now.getTime() + 15 * MINUTE_MS;
          return until !== undefined && now.getTime() < until ? '503' : undefined;
        },
      });
      await drop(world!, DROPS);
      // when: jobs come to their end between two ticks
      const result = await runNight(world!, FIRST_NIGHT, {
        patience: 3,
        async tick(time) {
          await batch.idle();
          now = time;
          return tick(time);
        },
      });
      // then
      await expectGoodNight(world!);
      const names = batch.jobs.map(({ request }) => request.jobName.slice(result.runId!.length + 1));
      expect(names).toContain(`${stage}-2`);
      for (const before of STAGES.slice(0, STAGES.indexOf(stage))) expect(names).not.toContain(`${before}-2`);
      expect(batch.started.some(({ attempt }) => attempt === 4)).toBe(true);
      expect(now.getTime()).toBeLessThanOrEqual(tickTime(FIRST_NIGHT, 0).getTime() + 30 * MINUTE_MS);
    },
  );

  it('in bursts while it is cleaned is over the bursts in minutes, SQS hiding what failed', async () => {
    // given: two bursts, of five and of ten minutes; in each a third of the drops meets them
    let now = 0;
    const hit = [...DROPS.keys()].filter((_, i) => i % 3 === 0);
    const { batch, gateway, tick } = await open({
      variables: IMPATIENT,
      delays: true,
      fault({ role, service, key = '' }: AwsCall) {
        const minute = (now - tickTime(FIRST_NIGHT, 0).getTime()) / MINUTE_MS;
        const inBurst = minute < 5 || (minute >= 5 && minute < 15);
        const meets = service === 's3' && hit.some((name) => key.endsWith(name));
        return role === 'clean' && inBurst && meets ? '503' : undefined;
      },
    });
    await drop(world!, DROPS);
    const on = world!;
    const at: World = {
      ...on,
      ingest(time) {
        now = time?.getTime() ?? now;
        return on.ingest(time);
      },
    };
    // when
    const states: string[] = [];
    await runNight(at, FIRST_NIGHT, {
      async tick(time): Promise<TickResult | undefined> {
        const result = await tick(time);
        states.push(result?.state ?? 'failed');
        return result;
      },
    });
    // then: the night waited for them, half an hour at most, and jobs took over what had come twice
    await expectGoodNight(world!);
    expect(states.indexOf('started')).toBeGreaterThan(3);
    expect(states.indexOf('started')).toBeLessThanOrEqual(7);
    expect(gateway.faults.get('503')).toBeGreaterThan(hit.length);
    const programs = batch.started.map(({ program }) => program);
    expect(programs.filter((program) => program === 'clean')).toHaveLength(hit.length);
  });

  it('and a function that is killed for its memory by one drop dies once: a job takes it over', async () => {
    // given: whatever process of the function reads this drop is killed
    const [deadly = ''] = [...DROPS.keys()];
    let deaths = 0;
    const { batch } = await open({
      delays: true,
      watch({ role, caller, operation, key = '' }: AwsCall, _: number, on: World) {
        if (role !== 'clean' || operation !== 'GetObject' || !key.endsWith(deadly)) return 'answer';
        deaths++;
        on.kill(caller, 'SIGKILL');
        return 'drop';
      },
    });
    await drop(world!, DROPS);
    // when
    await runNight(world!, FIRST_NIGHT);
    // then
    await expectGoodNight(world!);
    expect(deaths).toBe(1);
    const cleaned = batch.started.filter(({ program }) => program === 'clean');
    expect(cleaned).toMatchObject([{ attempt: 1 }]);
  });

  it.each([10, -10])(
    'and a store whose clock is %i minutes ahead ends with the same exports',
    async (minutes) => {
      // given
      const { batch } = await open({ skewMs: minutes * MINUTE_MS });
      await drop(world!, DROPS);
      // when
      await runNight(world!, FIRST_NIGHT);
      // then
      await expectGoodNight(world!);
      expect(batch.jobs).toHaveLength(3);
    },
  );
});
