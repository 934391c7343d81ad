import { gunzipSync, gzipSync } from 'node:zlib';
import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../lib/config/index.ts';
import { listDrops, type TickResult } from '../../lib/run/index.ts';
import { hasMoto } from '../aws/moto.ts';
import { SLOW } from '../e2e/nights.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import type { AwsCall } from './aws-call.ts';
import type { Disturbance } from './batch-executor.ts';
import { type Deployment, deploy } from './deployment.ts';
import { drop, rowsOf, runNight, tickTime } from './nights.ts';
import {
  bytesOf,
  dropsOf,
  type Exported,
  exportsOf,
  FIRST_NIGHT,
  localNights,
  SECOND_NIGHT,
  smallRetail,
  THIRTY_DAYS,
  TINY,
} from './retail.ts';
import { openWorld, type World } from './world.ts';

/** Every other of the thirty drops; the last one is of the day before the first night. */
const GOOD = dropsOf(THIRTY_DAYS.filter((name, i) => name < FIRST_NIGHT && i % 2 === 1));
const LATER = dropsOf(THIRTY_DAYS.filter((name) => name >= FIRST_NIGHT).slice(-2));
/** An upload that was cut off. */
const POISON = new Map([['2011-05-01.csv.gz', bytesOf('2011-05-01.csv.gz').subarray(0, 4000)]]);
/** A day that the shop sends again, without its last lines, while the night runs. */
const REPLACED_NAME = [...GOOD.keys()][3]!;
const REPLACED = new Map([[REPLACED_NAME, withoutLastLines(GOOD.get(REPLACED_NAME)!)]]);

function withoutLastLines(bytes: Uint8Array): Uint8Array {
  const lines = gunzipSync(bytes).toString().trimEnd().split('\n');
  return gzipSync(`${lines.slice(0, -100).join('\n')}\n`);
}

/** When each of these callers has made that many calls, this happens to it. */
const KILLS: Readonly<Record<string, { readonly at: number; readonly how: Disturbance }>> = {
  'clean.1': { at: 25, how: 'SIGKILL' },
  'clean.2': { at: 30, how: 'SIGKILL' },
  'features.1': { at: 6, how: 'SIGKILL' },
  'features.2': { at: 7, how: 'SIGKILL' },
};

describe.skipIf(!hasMoto)('a night in bad weather', { timeout: SLOW }, () => {
  let config: Config;
  let deployment: Deployment;
  let local: Promise<Exported[]>;
  let world: World | undefined;

  beforeAll(async () => {
    const folder = await temporaryFolder();
    config = await smallRetail(folder, TINY);
    local = localNights(folder, [
      { asOf: FIRST_NIGHT, drops: new Map([...GOOD, ...POISON]) },
      { asOf: SECOND_NIGHT, drops: new Map([...REPLACED, ...LATER]) },
    ]);
    local.catch(() => {});
    deployment = await deploy(folder);
  }, SLOW);

  afterEach(async () => {
    await world?.close();
    world = undefined;
  });

  const open = async (options: Partial<Parameters<typeof openWorld>[0]>) => {
    world = await openWorld({ ...deployment, root: await temporaryFolder(), seed: 'weather', ...options });
    return world;
  };

  it('ends like one in good weather: every fault at once', async () => {
    // given
    const calls = new Map<string, number>();
    const disturbed = new Map<string, number>();
    const watch = ({ caller, role }: AwsCall, _: number, on: World) => {
      const n = (calls.get(caller) ?? 0) + 1;
      calls.set(caller, n);
      const kill = KILLS[caller] ?? killOf(role, disturbed);
      if (n !== kill?.at) return 'answer';
      disturbed.set(role, (disturbed.get(role) ?? 0) + 1);
      on.kill(caller, kill.how);
      return kill.how === 'SIGTERM' ? 'answer' : 'drop';
    };
    const { store, sqs, queues, batch, gateway, ...rest } = await open({
      faults: 0.05,
      shuffle: true,
      environments: 2,
      jobs: 2,
      watch,
    });
    // Two calls of dispatch at once, at every tick.
    const both = async (time: Date): Promise<TickResult | undefined> => {
      const results = await Promise.all([rest.tick(time), rest.tick(time)]);
      const over = results.find((result) => result?.state === 'finished' || result?.state === 'failed');
      return over ?? results[0] ?? results[1];
    };
    // when: a late shop
    expect(await both(tickTime(FIRST_NIGHT, 0))).toMatchObject({ state: 'waiting' });
    const half = [...GOOD].slice(0, GOOD.size / 2);
    await drop(world!, new Map([...half, ...POISON]));
    await sqs.send(new SendMessageCommand({ QueueUrl: queues.clean, MessageBody: '{"not": "of S3"}' }));
    await rest.ingest();
    expect(await both(tickTime(FIRST_NIGHT, 1))).toMatchObject({ state: 'waiting' });
    await drop(world!, GOOD);
    await rest.ingest();
    // A drop whose function was killed is a job's.
    await batch.idle();
    await rest.ingest();
    expect(await both(tickTime(FIRST_NIGHT, 2))).toMatchObject({ runId: expect.any(String) });
    await drop(world!, REPLACED);
    const result = await runNight(world!, FIRST_NIGHT, { from: 3, tick: both, patience: 10 });
    // then: exports as in good weather, from one manifest
    const exported = await exportsOf(store, FIRST_NIGHT);
    expect(exported.runId).toBe(result.runId);
    expect(exported.files).toEqual((await local)[0]!.files);
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    const runs = new Set(keys.flatMap((key) => /^runs\/([^/]+)\/manifest\.json$/.exec(key)?.[1] ?? []));
    expect([...runs]).toEqual([result.runId]);
    const scored = keys.filter((key) => key.startsWith('scores/'));
    expect(scored.every((key) => key.startsWith(`scores/${result.runId}/`))).toBe(true);
    expect(scored).toHaveLength(config.shards);
    // and: nothing lost, nothing doubled, the poison refused
    expect(await rowsOf(world!, config)).toMatchObject({ drops: GOOD.size + 1, refused: 1, pending: 0 });
    expect(keys.filter((key) => key.startsWith('clean/'))).toHaveLength(GOOD.size + REPLACED.size);
    const refused = (await listDrops(store, config)).filter(({ state }) => state === 'refused');
    expect(refused).toMatchObject([
      { key: 'drop/transactions/2011-05-01.csv.gz', quality: { refused: { reason: expect.any(String) } } },
    ]);
    expect(result.missing).toMatchObject([{ key: 'drop/transactions/2011-05-01.csv.gz' }]);
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queues.cleanDead, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({ ApproximateNumberOfMessages: '1' });
    // and: the weather was bad
    // (Two kills are planned for each function; how messages fall to its environments decides whether both come.)
    for (const role of ['clean', 'features', 'finetune', 'score', 'export'])
      expect(disturbed.get(role)).toBeGreaterThan(0);
    expect([...gateway.faults.values()].reduce((sum, n) => sum + n, 0)).toBeGreaterThan(30);
    expect(batch.started.some(({ attempt }) => attempt > 1)).toBe(true);
    // Where the answer to a write is lost, it is asked who wrote; of the sealed objects clean may not ask, and tries again.
    expect(rest.refused.filter((why) => !/^clean .*quarantine/.test(why))).toEqual([]);
    // and: the next night reads what was sent again
    await drop(world!, LATER);
    await runNight(world!, SECOND_NIGHT, { tick: both, patience: 10 });
    expect((await exportsOf(store, SECOND_NIGHT)).files).toEqual((await local)[1]!.files);
  });

  it('sends messages again that were lost', async () => {
    // given: nobody hears of a drop, and later nobody of its rows
    const { sqs, queues, ingest, tick, ...rest } = await open({});
    const [name, bytes] = [...GOOD][0]!;
    const later = new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
    const states = async () => (await listDrops(rest.store, config)).map(({ state }) => state);
    await drop(world!, new Map([[name, bytes]]));
    await sqs.send(new PurgeQueueCommand({ QueueUrl: queues.clean }));
    await ingest();
    expect(await states()).toEqual(['pending']);
    // when: dispatch looks, long after
    const first = await tick(tickTime(later, 0));
    expect(first).toMatchObject({ state: 'waiting', stale: [`drop/transactions/${name}`] });
    const lost = rest.functions.clean.invoke({ Records: [await take(sqs, queues.clean)] });
    expect(await lost).toEqual({ ok: true, result: { batchItemFailures: [] } });
    await sqs.send(new PurgeQueueCommand({ QueueUrl: queues.features }));
    await ingest();
    expect(await states()).toEqual(['pending']);
    const second = await tick(tickTime(later, 1));
    expect(second?.stale).toEqual([expect.stringMatching(/^clean\/events\//)]);
    await ingest();
    // then
    expect(await states()).toEqual(['done']);
    expect(rest.refused).toEqual([]);
  });

  it('goes on when dispatch is killed between every two calls', async () => {
    // given: between two writes dispatch only reads, so that it is killed after each write, before it hears of it
    let last = '';
    let kills = 0;
    const watch = ({ role, caller, operation, key = '' }: AwsCall, status: number, on: World) => {
      const writes = role === 'dispatch' && (operation === 'PutObject' || operation === 'SubmitJob');
      if (!writes || status !== 200) return 'answer';
      // What a tick writes again is let pass the second time, or it would never get further.
      const write = `${operation} ${key} ${operation === 'SubmitJob' ? on.batch.jobs.length : ''}`;
      if (write === last) return 'answer';
      last = write;
      kills++;
      on.kill(caller, 'SIGKILL');
      return 'drop';
    };
    const { store, batch } = await open({ watch, jobs: 2 });
    await drop(world!, GOOD);
    // when
    await runNight(world!, FIRST_NIGHT, { patience: 40 });
    // then
    expect((await exportsOf(store, FIRST_NIGHT)).files).toEqual((await local)[0]!.files);
    expect(kills).toBeGreaterThan(6);
    expect(world!.refused).toEqual([]);
    const jobs = batch.jobs.map(({ request }) => request.jobName.split('-').slice(-2).join('-'));
    expect(jobs.sort()).toEqual(['export-1', 'finetune-1', 'score-1']);
  });
});

/** Takes the next message off a queue, as a function gets it. */
async function take(sqs: SQSClient, QueueUrl: string) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MessageSystemAttributeNames: ['All'] }),
  );
  const { MessageId, ReceiptHandle, Body, Attributes } = Messages[0]!;
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
  return { messageId: MessageId, receiptHandle: ReceiptHandle, body: Body, attributes: Attributes };
}

/**
 * A training is told to end, and its second start dies; one of a score's children loses its host, another is told to end; the
 * first export dies.
 */
function killOf(role: string, disturbed: ReadonlyMap<string, number>) {
  const before = disturbed.get(role) ?? 0;
  if (role === 'finetune' && before < 2) {
    return before === 0 ? ({ at: 30, how: 'SIGTERM' } as const) : ({ at: 45, how: 'SIGKILL' } as const);
  }
  if (role === 'score' && before < 2) return { at: 20, how: before === 0 ? 'host' : 'SIGTERM' } as const;
  if (role === 'export' && before < 1) return { at: 6, how: 'SIGKILL' } as const;
  return undefined;
}
