import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { likeTarget, ROOT } from '../../bin/build/index.ts';
import { loadConfig, parseConfig } from '../../lib/config/index.ts';
import { DAY_MS, formatDay } from '../../lib/data/index.ts';
import { daysKey } from '../../lib/features/index.ts';
import { openStore } from '../../lib/runtime/aws/index.ts';
import { formatS3Event, type ObjectStore, parseS3Event } from '../../lib/runtime/index.ts';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';
import { builtPackages } from '../build/packages.ts';

const FUNCTIONS = ['clean', 'features', 'dispatch'] as const;
type FunctionName = (typeof FUNCTIONS)[number];

/** Stands in for Lambda's runtime: loads the package and calls its handler with each event. */
const CALLER = `
const { handler } = await import('./index.mjs');
for (const event of JSON.parse(process.argv[2])) {
  const result = await handler(event, { awsRequestId: 'request-1' });
  console.log(JSON.stringify({ answer: result }));
}
`;

let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'nightjar-packages-'));
  const { functions } = await builtPackages();
  for (const name of FUNCTIONS) {
    const files = unzipSync(await readFile(join(functions, `${name}.zip`)));
    for (const [path, bytes] of Object.entries(files)) {
      const file = join(home, name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, bytes);
    }
    await writeFile(join(home, name, 'call.mjs'), CALLER);
  }
}, 180_000);

afterAll(() => rm(home, { recursive: true, force: true }));

/** Calls a function from its unpacked package, in a process that sees nothing of the checkout. */
async function call(name: FunctionName, env: Record<string, string>, ...events: unknown[]) {
  const child = spawn(process.execPath, ['call.mjs', JSON.stringify(events)], {
    cwd: join(home, name),
    env: { PATH: process.env.PATH, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '3008', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code] = await once(child, 'close');
  expect({ code, errors }).toMatchObject({ code: 0 });
  // Errors go to the other stream, where Node's own warnings go too.
  const lines: Record<string, unknown>[] = `${log}${errors}`
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const answers = lines.flatMap((line) => ('answer' in line ? [line.answer] : []));
  const metrics = Object.assign({}, ...lines.filter((line) => '_aws' in line));
  return { log: log + errors, lines, answers, metrics };
}

const message = (messageId: string, body: string) => ({
  messageId,
  receiptHandle: messageId,
  body,
  attributes: { ApproximateReceiveCount: '1' },
});
const TEST_EVENT = JSON.stringify({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'drops' });
const created = (key: string) => formatS3Event({ bucket: 'drops', key, size: 1, etag: 'x' });

it('a package holds the checked config, which is a config again, and no onnxruntime', async () => {
  // given
  const { config } = await loadConfig(join(ROOT, 'examples/online-retail'));
  const { functions } = await builtPackages();
  for (const name of FUNCTIONS) {
    // when
    const files = unzipSync(await readFile(join(functions, `${name}.zip`)));
    const packed = parseConfig(JSON.parse(Buffer.from(files['config.json']!).toString()));
    // then
    expect(packed).toEqual(config);
    const natives = Object.keys(files).filter((path) => /\.(node|so)(\.|$)/.test(path));
    expect(natives.length > 0).toBe(name === 'clean');
    for (const path of natives) expect(path).toMatch(/^node_modules\/@duckdb\/node-bindings-linux-x64\//);
    expect(Object.keys(files).join()).not.toContain('onnxruntime');
  }
});

describe.skipIf(!hasMoto || !likeTarget())('functions from their packages, over AWS’s own interfaces', () => {
  const key = 'drop/transactions/2010-12-01 late+1.csv.gz';
  const secret = '07'.repeat(64);
  let moto: Moto;
  let env: Record<string, string>;
  let store: ObjectStore;
  let file: Buffer;
  const before = { ...process.env };

  beforeAll(async () => {
    moto = await startMoto();
    const arns = (kind: string) =>
      JSON.stringify(
        Object.fromEntries(
          ['finetune', 'score', 'export', 'clean'].map((job) => [
            job,
            `arn:aws:batch:eu-central-1:123456789012:${kind}/${job}`,
          ]),
        ),
      );
    env = {
      ...moto.env,
      NIGHTJAR_DROPS_BUCKET: 'drops',
      NIGHTJAR_DATA_BUCKET: 'data',
      NIGHTJAR_EXPORTS_BUCKET: 'exports',
      NIGHTJAR_KEY_SECRET: 'pseudonym-key',
      NIGHTJAR_JOB_QUEUES: arns('job-queue'),
      NIGHTJAR_JOB_DEFINITIONS: arns('job-definition'),
    };
    const s3 = new S3Client(moto.client);
    for (const Bucket of ['drops', 'data', 'exports']) {
      await s3.send(
        new CreateBucketCommand({
          Bucket,
          CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
        }),
      );
    }
    await new SecretsManagerClient(moto.client).send(
      new CreateSecretCommand({ Name: 'pseudonym-key', SecretString: secret }),
    );
    Object.assign(process.env, moto.env);
    store = await openStore(env);
    file = await readFile(join(ROOT, 'examples/online-retail/drops/transactions/2010-12-01.csv.gz'));
    await store.put(key, file);
    await store.put('drop/transactions/broken.csv', new Uint8Array([0xff, 0xfe, 0, 0]));
  }, 60_000);

  afterAll(async () => {
    for (const name of Object.keys(moto.env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    await moto.stop();
  });

  it('clean brings a real drop to its end, refuses what is broken, and logs nothing of its rows', async () => {
    // when
    const { answers, metrics, lines, log } = await call(
      'clean',
      env,
      { Records: [message('m1', TEST_EVENT)] },
      {
        Records: [
          message('m2', created(key)),
          message('m3', created('drop/transactions/broken.csv')),
          message('m4', 'no event'),
        ],
      },
    );
    // then
    expect(answers).toEqual([{ batchItemFailures: [] }, { batchItemFailures: [{ itemIdentifier: 'm4' }] }]);
    const rows = gunzipSync(file).toString().trim().split('\n').length - 1;
    expect(metrics).toMatchObject({ service: 'clean', DropsCleaned: 1, DropsRefused: 1, RowsIn: rows });
    expect(lines).toContainEqual(
      expect.objectContaining({ correlation_id: 'm2', key, status: 'clean', rowsIn: rows }),
    );
    expect(lines).toContainEqual(expect.objectContaining({ correlation_id: 'm4', level: 'ERROR' }));
    const customer = /\b\d{5}(?=\.0,United Kingdom)/.exec(gunzipSync(file).toString())?.[0];
    expect(customer).toBeDefined();
    expect(log).not.toMatch(new RegExp(`\\b${customer}\\b`));
    expect(log).not.toContain(secret);
    expect(await keysUnder('clean/events/')).toHaveLength(1);
    expect(await keysUnder('quality/')).toHaveLength(2);
  }, 60_000);

  it('features writes the day rows of what clean wrote', async () => {
    // given
    const { config } = await loadConfig(join(ROOT, 'examples/online-retail'));
    const [cleanKey] = await keysUnder('clean/events/');
    // when
    const { answers, metrics } = await call('features', env, {
      Records: [message('m1', TEST_EVENT), message('m2', created(cleanKey!))],
    });
    // then
    expect(answers).toEqual([{ batchItemFailures: [] }]);
    expect(metrics).toMatchObject({ service: 'features', DayFiles: 1 });
    expect(await store.head(daysKey(config, cleanKey!))).toBeDefined();
  }, 60_000);

  it('dispatch says what it waits for, by the time it was scheduled for', async () => {
    // when: it is early in the shop's night, and all that was dropped is done
    const { answers, metrics, lines } = await call('dispatch', env, {
      kind: 'tick',
      time: '2010-12-02T00:30:00Z',
    });
    // then
    expect(answers).toEqual([
      expect.objectContaining({ kind: 'tick', asOf: '2010-12-02', pending: 0, state: 'idle' }),
    ]);
    expect(metrics).toMatchObject({ service: 'dispatch', DropsPending: 0, NightStarted: 0 });
    expect(lines).toContainEqual(expect.objectContaining({ correlation_id: 'request-1', level: 'INFO' }));
  }, 60_000);

  it('dispatch sends the message of a drop again that must have been lost', async () => {
    // given: a drop that nobody was told of, half an hour and more ago
    const sqs = new SQSClient(moto.client);
    const queue = async (QueueName: string) =>
      (await sqs.send(new CreateQueueCommand({ QueueName }))).QueueUrl ?? '';
    const url = await queue('clean');
    const queues = { NIGHTJAR_CLEAN_QUEUE_URL: url, NIGHTJAR_FEATURES_QUEUE_URL: await queue('features') };
    const lost = 'drop/transactions/lost é.csv.gz';
    await store.put(lost, file);
    const { lastModified } = (await store.head(lost))!;
    const tomorrow = `${formatDay(Math.floor(lastModified.getTime() / DAY_MS) + 1)}T03:00:00Z`;
    // when
    const { answers, metrics } = await call(
      'dispatch',
      { ...env, ...queues },
      { kind: 'tick', time: tomorrow },
    );
    // then
    expect(answers).toEqual([expect.objectContaining({ stale: [lost] })]);
    expect(metrics).toMatchObject({ DropsPending: 1 });
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }));
    expect(Messages?.map(({ Body }) => parseS3Event(Body ?? ''))).toEqual([
      [{ bucket: 'drops', key: lost, size: 0, etag: '' }],
    ]);
  }, 60_000);

  async function keysUnder(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const object of store.list(prefix)) keys.push(object.key);
    return keys;
  }
});
