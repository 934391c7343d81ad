import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SubmitJobCommand } from '@aws-sdk/client-batch';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHandler } from '../../functions/features/handler.ts';
import { cleanDrop } from '../../lib/clean/index.ts';
import { type Config, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms } from '../../lib/data/index.ts';
import { openStack, type Stack, stackLook } from '../../lib/operate/index.ts';
import { claimKey, listDrops, planRun } from '../../lib/run/index.ts';
import { formatS3Event, putJson } from '../../lib/runtime/index.ts';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';
import { type Ended, nightjar } from '../e2e/command.ts';
import { HEADER, shopConfig } from '../e2e/shop.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { deploy } from './deployed.ts';

const GOOD = `${HEADER}\n"C-1",2025-01-03 10:00:00,purchase,sku-1,1,9.90,b1\n`;
/** An archive that is named for what it is, and refused. */
const POISON = Buffer.from('BZh91AY&SY');

/** A process each: seconds, on a busy machine more. */
describe.skipIf(!hasMoto)('a deployed environment', { timeout: 120_000 }, () => {
  let moto: Moto;
  let folder: string;
  let stack: Stack;
  let config: Config;

  beforeAll(async () => {
    moto = await startMoto();
    Object.assign(process.env, moto.env);
    await deploy(moto);
    folder = await temporaryFolder();
    await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(shopConfig())};\n`);
    config = parseConfig(shopConfig());
    stack = await openStack({ environment: 'prod', shop: config.shop.name });
    await fill();
  });
  afterAll(async () => {
    for (const name of Object.keys(moto.env)) delete process.env[name];
    await moto.stop();
  });

  it('of another shop is not opened: with its config every drop would look pending', async () => {
    await expect(openStack({ environment: 'prod', shop: 'Another' })).rejects.toThrow(
      /^environment prod in eu-central-1 belongs to shop "Corner shop", not to shop "Another" of this config: name/,
    );
  });

  const drops = {
    good: 'drop/log/2025-01-03.csv',
    poison: 'drop/log/2025-01-04.csv',
    pending: 'drop/log/2025 01 05.csv',
    gone: 'drop/log/2025-01-06.csv',
  };
  const NO_EVENT = '{"hello":"world"}';

  /** A cleaned drop, a refused one and one that nobody took up, with their dead letters and two others. */
  async function fill(): Promise<void> {
    const { store } = stack;
    await store.put(drops.good, GOOD);
    await store.put(drops.poison, POISON);
    await store.put(drops.pending, GOOD.replaceAll('03', '05'));
    const pseudonyms = createPseudonyms(new Uint8Array(64).fill(11));
    for (const key of [drops.good, drops.poison]) await cleanDrop({ store, config, pseudonyms, key });
    await putJson(store, 'exports/as_of=2025-01-04/current.json', { runId: '2025-01-04-abc' });
    const [clean, features] = stack.queues;
    const send = (QueueUrl: string, MessageBody: string) =>
      stack.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    for (const key of Object.values(drops)) {
      await send(clean!.deadUrl, formatS3Event({ bucket: 'drops', key, size: 1, etag: 'x' }));
    }
    await send(clean!.deadUrl, NO_EVENT);
    await send(clean!.url, formatS3Event({ bucket: 'drops', key: drops.pending, size: 1, etag: 'x' }));
    for await (const { key } of store.list('clean/')) {
      await send(features!.deadUrl, formatS3Event({ bucket: 'data', key, size: 1, etag: 'x' }));
    }
    await stack.batch.send(
      new SubmitJobCommand({
        jobName: 'some-score-1',
        jobQueue: stack.jobQueues.score,
        jobDefinition: 'any',
      }),
    );
  }

  const command = (...args: string[]): Promise<Ended> => nightjar(args, folder);
  const json = async (...args: string[]) => {
    const { stdout, stderr, code } = await command(...args, '--json');
    expect(stderr).not.toContain('    at ');
    return { code, answer: JSON.parse(stdout) };
  };
  const waiting = async (url: string) => {
    const { Attributes } = await stack.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
    );
    return Number(Attributes?.ApproximateNumberOfMessages);
  };

  it('is one store over three buckets', async () => {
    const keys: string[] = [];
    for await (const { key } of stack.store.list('')) keys.push(key);
    expect(keys).toEqual([...keys].sort());
    expect(keys).toContain(drops.pending);
    expect(keys).toContain('exports/as_of=2025-01-04/current.json');
    expect(keys.some((key) => key.startsWith('quality/'))).toBe(true);
    expect(stack.stacks.map(({ status }) => status)).toEqual(Array(3).fill('CREATE_COMPLETE'));
  });

  it('tells its state, and ends with 1 when it needs a person', async () => {
    // when
    const { code, answer } = await json('status', '--stack');
    // then
    expect(code).toBe(1);
    expect(answer).toMatchObject({
      environment: 'prod',
      region: 'eu-central-1',
      sources: [{ source: 'log', done: 0, refused: 1, pending: 2, rowsIn: 0 }],
      refused: [{ key: drops.poison }],
      queues: [
        { name: 'clean', waiting: 1, inFlight: 0, dead: 5 },
        { name: 'features', waiting: 0, inFlight: 0, dead: 1 },
      ],
      jobs: [],
      lastExport: { asOf: '2025-01-04', runId: '2025-01-04-abc' },
      cost: { days: 7, note: expect.stringContaining('an estimate') },
    });
    expect(answer.needs).toEqual([
      '5 dead in queue clean: "nightjar redrive --queue clean" tells why',
      '1 dead in queue features: "nightjar redrive --queue features" tells why',
      expect.stringMatching(/^no export of \d{4}-\d\d-\d\d: the last one is of 2025-01-04$/),
    ]);
  });

  it('tells it to a person', async () => {
    const { code, stdout } = await command('status', '--stack', '--env', 'prod');
    expect(code).toBe(1);
    expect(stdout).toContain('environment prod in eu-central-1');
    expect(stdout).toMatch(/^clean +1 +0 +5$/m);
    expect(stdout).toContain('export   as of 2025-01-04: 2025-01-04-abc, ');
    expect(stdout).toContain('needs you  5 dead in queue clean');
  });

  it.each([
    [
      'another environment',
      ['status', '--stack', '--env', 'dev'],
      'there is no stack nightjar-dev-storage in eu-central-1',
    ],
    [
      'another region',
      ['redrive', '--region', 'eu-west-1'],
      'there is no stack nightjar-prod-storage in eu-west-1',
    ],
    [
      'days in the wrong order',
      ['backfill', '--stack', '--from', '2025-01-05', '--to', '2025-01-04'],
      '--from 2025-01-05 is later than --to 2025-01-04',
    ],
  ])('is not found for %s', async (_, args, message) => {
    const { code, stderr } = await command(...args);
    expect(code).toBe(args[0] === 'backfill' ? 2 : 1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  it('tells why letters died, and leaves them where they are', async () => {
    // when
    const { code, answer } = await json('redrive', '--dry-run');
    // then
    expect(code).toBe(0);
    const [clean, features] = answer.queues;
    const why = new Map(
      clean.letters.map((letter: { keys: string[]; why: string }) => [letter.keys[0], letter.why]),
    );
    expect(why.get(drops.good)).toContain('cleaned since');
    expect(why.get(drops.poison)).toContain('refused since: the file is a bzip2 file');
    expect(why.get(drops.pending)).toContain('the new bytes are not done');
    expect(why.get(drops.gone)).toContain('the object is gone');
    expect(why.get(undefined)).toContain('is no S3 event');
    expect(features.letters[0].why).toContain('not done');
    expect([clean.moved, features.moved]).toEqual([0, 0]);
    expect(await waiting(stack.queues[0]!.deadUrl)).toBe(5);
  });

  it('moves nothing without being told to', async () => {
    const { code, stderr, stdout } = await command('redrive', '--queue', 'clean');
    expect(code).toBe(1);
    expect(stdout).toContain('clean: 5 dead letters');
    expect(stderr).toContain('say --yes');
    expect(await waiting(stack.queues[0]!.deadUrl)).toBe(5);
  });

  it('gets its letters back, but those that nobody can read', async () => {
    // when
    const { code, answer } = await json('redrive', '--yes');
    // then
    expect(code).toBe(0);
    const counts = answer.queues.map(({ queue, moved, left }: Record<string, unknown>) => ({
      queue,
      moved,
      left,
    }));
    expect(counts).toEqual([
      { queue: 'clean', moved: 4, left: 1 },
      { queue: 'features', moved: 1, left: 0 },
    ]);
    const [clean, features] = stack.queues;
    expect(await clean!.queue.depth()).toEqual({ waiting: 5, inFlight: 0, dead: 1 });
    expect(await features!.queue.depth()).toEqual({ waiting: 1, inFlight: 0, dead: 0 });
    // when asked again
    const again = await command('redrive', '--yes', '--stack');
    // then
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('features: no dead letters');
    expect(again.stdout).not.toContain('moved');
  });

  it('looks after a run as its ticks do, as often as it was asked for', async () => {
    // given a run of what is cleaned, in an account whose jobs end well and do nothing
    const { store } = stack;
    for await (const { key, size, etag } of store.list('clean/events/')) {
      const body = formatS3Event({ bucket: 'data', key, size, etag });
      const message = {
        messageId: '1',
        receiptHandle: '1',
        body,
        attributes: { ApproximateReceiveCount: '1' },
      };
      await makeHandler({ store, config })({ Records: [message] });
    }
    const asOf = '2025-01-10';
    const { runId } = await planRun({
      store,
      config,
      drops: await listDrops(store, config),
      purpose: 'backfill',
      asOf,
    });
    const submitted = async () => {
      let jobs = 0;
      for await (const { key } of store.list(`runs/${runId}/jobs/`))
        jobs += key.includes('/finetune-') ? 1 : 0;
      return jobs;
    };
    const look = stackLook(stack, 2);
    const untilOver = async () => {
      for (let looks = 0; looks < 50; looks++) {
        const progress = await look(asOf, runId);
        if (progress.state !== 'running') return progress;
      }
      throw new Error('the run is not over after 50 looks');
    };
    // when
    const first = await untilOver();
    // then
    expect(first).toMatchObject({ state: 'failed', stages: { finetune: 'failed' } });
    expect(first.reason).toContain('what it was to write is not there');
    expect(await submitted()).toBe(3);
    // when it is asked for a second time
    const claim = { runId, owner: 'me', claimedAt: '2025-01-10T00:00:00.000Z', round: 2 };
    await putJson(store, claimKey('backfill', asOf), claim);
    await untilOver();
    // then
    expect(await submitted()).toBe(6);
  });
});
