import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { GetQueueAttributesCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Config } from '../../lib/config/index.ts';
import { dropId } from '../../lib/data/index.ts';
import { nightOf, nightTrace, runSegment } from '../../lib/runtime/index.ts';
import { hasMoto } from '../aws/moto.ts';
import { segmentsOf } from '../aws/xray.ts';
import { nightjar } from '../e2e/command.ts';
import { SLOW } from '../e2e/nights.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { type Deployment, deploy } from './deployment.ts';
import { drop, infosOf, rowsOf, runNight, tickTime } from './nights.ts';
import {
  ALL_DAYS,
  bytesOf,
  dropsOf,
  type Exported,
  exportsOf,
  FIRST_NIGHT,
  joined,
  localNights,
  SECOND_NIGHT,
  smallRetail,
  THIRTY_DAYS,
} from './retail.ts';
import { openWorld, type World } from './world.ts';

const BEFORE = dropsOf(THIRTY_DAYS.filter((name) => name < FIRST_NIGHT));
const BETWEEN = dropsOf(THIRTY_DAYS.filter((name) => name >= FIRST_NIGHT));
/** Days that the shop had forgotten, in one file too large for the function. */
const FORGOTTEN = ALL_DAYS.filter((name) => name < '2010-12-10');
const LARGE = new Map([['forgotten.csv', joined(FORGOTTEN)]]);

describe.skipIf(!hasMoto)('nights over real protocols', { timeout: SLOW }, () => {
  let folder: string;
  let config: Config;
  let root: string;
  let world: World;
  let local: Promise<Exported[]>;

  beforeAll(async () => {
    folder = await temporaryFolder();
    config = await smallRetail(folder, undefined, { tracing: true });
    local = localNights(folder, [
      { asOf: FIRST_NIGHT, drops: BEFORE },
      { asOf: SECOND_NIGHT, drops: new Map([...BETWEEN, ...LARGE]) },
    ]);
    // Looked at later: until then its failure is nobody's.
    local.catch(() => {});
    const deployment: Deployment = await deploy(folder);
    root = await temporaryFolder();
    world = await openWorld({ ...deployment, root, seed: 'nightly', jobs: 2 });
    // The protocol server's first answer takes longer than a segment is waited for.
    await segmentsOf(world.gateway.url, [nightTrace('prod', config, FIRST_NIGHT)]);
  }, SLOW);

  afterAll(() => world?.close());

  it('the first night trains, scores and exports what the local run does', async () => {
    // given
    await drop(world, BEFORE);
    await world.ingest();
    // when
    expect(await world.tick(tickTime(FIRST_NIGHT, 0))).toMatchObject({ state: 'started' });
    const early = await world.tick(tickTime(FIRST_NIGHT, 60), 'watchdog');
    const result = await runNight(world, FIRST_NIGHT, { from: 1 });
    // then
    expect(result).toMatchObject({ asOf: FIRST_NIGHT, missing: [], stale: [], others: [] });
    const exported = await exportsOf(world.store, FIRST_NIGHT);
    expect(exported.runId).toBe(result.runId);
    expect(exported.files).toEqual((await local)[0]!.files);
    const attempts = world.batch.started.map(({ program, index, attempt }) => [program, index, attempt]);
    expect(attempts.sort()).toEqual([
      ['export', 0, 1],
      ['finetune', 0, 1],
      ['score', 0, 1],
      ['score', 1, 1],
    ]);
    // and: the watchdog tells while there is no export
    expect(early).toMatchObject({ state: 'running', exportMissing: expect.any(String) });
    const seen = await world.tick(tickTime(FIRST_NIGHT, 60), 'watchdog');
    expect(seen).toMatchObject({ kind: 'watchdog', asOf: FIRST_NIGHT, state: 'finished' });
    expect(seen).not.toHaveProperty('exportMissing');
  });

  it('what is put again with the same bytes, under another etag, is not cleaned again', async () => {
    // given
    const objects = async () => {
      const derived = ['clean/', 'quality/', 'days/'].map((prefix) => infosOf(world.store, prefix));
      return (await Promise.all(derived)).flat();
    };
    const [before, dropped] = [await objects(), await infosOf(world.store, 'drop/')];
    // when
    await drop(world, BEFORE);
    await world.ingest();
    // then
    const again = await infosOf(world.store, 'drop/');
    expect(again.map(({ key }) => key)).toEqual(dropped.map(({ key }) => key));
    for (const [i, { etag }] of again.entries()) expect(etag).not.toBe(dropped[i]!.etag);
    expect(await objects()).toEqual(before);
    expect(await rowsOf(world, config)).toMatchObject({ drops: BEFORE.size, pending: 0 });
  });

  it('the second night serves with the same models; a batch job has cleaned what is too large for the function', async () => {
    // given
    await drop(world, new Map([...BETWEEN, ...LARGE]));
    // when
    await runNight(world, SECOND_NIGHT);
    // then
    expect((await exportsOf(world.store, SECOND_NIGHT)).files).toEqual((await local)[1]!.files);
    const programs = world.batch.started.map(({ program }) => program);
    expect(programs.filter((program) => program === 'finetune')).toHaveLength(1);
    expect(programs.filter((program) => program === 'clean')).toHaveLength(1);
  });

  it('accounts for every row', async () => {
    const rows = await rowsOf(world, config);
    expect(rows).toMatchObject({ drops: 31, refused: 0, pending: 0 });
    expect(rows.clean + rows.duplicates + rows.quarantined).toBe(rows.rowsIn);
    const lines = (name: string) => gunzipSync(bytesOf(name)).toString().trimEnd().split('\n').length - 1;
    expect(rows.rowsIn).toBe([...THIRTY_DAYS, ...FORGOTTEN].reduce((sum, name) => sum + lines(name), 0));
  });

  it('tells each night as one trace, from its start to its export', async () => {
    // given
    const traceId = nightTrace('prod', config, FIRST_NIGHT);
    const { runId } = await exportsOf(world.store, FIRST_NIGHT);
    // when
    const segments = await segmentsOf(world.gateway.url, [traceId]);
    // then
    const ended = segments.filter(({ in_progress }) => !in_progress);
    const about = ended.map(({ name, annotations: { child, shards, users, rows, groups } }) => ({
      name,
      ...{ child, shards, users, rows, groups },
    }));
    const start = ended.find(({ id }) => id === runSegment(runId));
    const below = ended.filter(({ parent_id }) => parent_id === start?.id);
    expect(start).toMatchObject({ name: 'nightjar-prod-dispatch', annotations: { state: 'started' } });
    expect(below.map(({ name }) => name).sort()).toEqual([
      'nightjar-prod-export',
      'nightjar-prod-finetune',
      'nightjar-prod-score',
      'nightjar-prod-score',
    ]);
    expect(about).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'nightjar-prod-finetune', groups: expect.any(Number) }),
        expect.objectContaining({ name: 'nightjar-prod-score', child: 0, users: expect.any(Number) }),
        expect.objectContaining({
          name: 'nightjar-prod-score',
          child: 1,
          shards: expect.stringMatching(/^\d+-\d+$/),
        }),
        expect.objectContaining({ name: 'nightjar-prod-export', rows: expect.any(Number) }),
      ]),
    );
    // and: the watchdog that found no export is the one fault
    const faults = ended.filter(({ fault }) => fault);
    expect(faults.map(({ annotations, cause }) => [annotations.kind, cause!.exceptions[0]!.type])).toEqual([
      ['watchdog', 'ExportMissing'],
    ]);
    for (const { annotations } of ended) expect(annotations).toMatchObject({ as_of: FIRST_NIGHT });
    // and: the lines of their logs bear its id
    const lines = (log: string) => log.split('\n').filter((line) => line.includes(traceId));
    const logs = readdirSync(root).filter((name) => name.endsWith('.log'));
    const jobs = logs.map((name) => lines(readFileSync(join(root, name), 'utf8')).length);
    expect(jobs.filter((count) => count >= 2)).toHaveLength(4);
    expect(world.functions.dispatch.hosts.flatMap((host) => lines(host.output())).length).toBeGreaterThan(2);
  });

  it('tells each drop in the trace of the night that it was cleaned for, and nothing of what is in it', async () => {
    // given: the messages were sent in this hour
    const now = Date.now();
    const days = [now - 3_600_000, now].map((ms) => nightOf(config, new Date(ms)));
    const keys = (await infosOf(world.store, 'drop/')).map(({ key }) => dropId(key));
    // when
    const traces = [...new Set(days)].map((day) => nightTrace('prod', config, day));
    const ended = (await segmentsOf(world.gateway.url, traces)).filter(({ in_progress }) => !in_progress);
    // then
    for (const stage of ['clean', 'features']) {
      const dropped = ended.filter(({ name }) => name === `nightjar-prod-${stage}`);
      expect([...new Set(dropped.map(({ annotations }) => annotations.drop))].sort()).toEqual(keys.sort());
    }
    expect(ended.filter(({ fault, error }) => fault || error)).toEqual([]);
    const values = new Set(ended.flatMap(({ annotations }) => Object.keys(annotations)));
    expect([...values].sort()).toEqual([
      'as_of',
      'attempt',
      'clean',
      'delivery',
      'drop',
      'environment',
      'quarantined',
      'rows',
      'stage',
      'status',
      'written',
    ]);
    expect(JSON.stringify(ended)).not.toMatch(/drop\/|\.csv/);
  });

  it('leaves nothing in a queue, and no role has asked for what it may not', async () => {
    for (const QueueUrl of Object.values(world.queues)) {
      const { Attributes } = await world.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
      );
      expect(Attributes).toMatchObject({
        ApproximateNumberOfMessages: '0',
        ApproximateNumberOfMessagesNotVisible: '0',
      });
    }
    expect(world.refused).toEqual([]);
  });

  it('answers the commands of a deployment: its state, and why a message died', async () => {
    // given
    Object.assign(process.env, world.environment);
    await world.sqs.send(new SendMessageCommand({ QueueUrl: world.queues.clean, MessageBody: 'no event' }));
    await world.ingest();
    const answer = async (...args: string[]) => {
      const { code, stdout, stderr } = await nightjar(
        ['--config', folder, ...args, '--stack', '--json'],
        folder,
      );
      expect(stderr).not.toContain('nightjar: ');
      return { code, ...JSON.parse(stdout) };
    };
    // when
    const status = await answer('status');
    const letters = await answer('redrive', '--dry-run');
    // then: something needs a person
    expect(status).toMatchObject({
      code: 1,
      sources: [{ source: 'transactions', done: 31, refused: 0, pending: 0 }],
      runs: [
        { asOf: FIRST_NIGHT, trained: 'yes', finished: true },
        { asOf: SECOND_NIGHT, trained: 'by champions', finished: true },
      ],
      queues: [
        { name: 'clean', waiting: 0, inFlight: 0, dead: 1 },
        { name: 'features', waiting: 0, inFlight: 0, dead: 0 },
      ],
      jobs: [],
      lastExport: { asOf: SECOND_NIGHT },
      needs: expect.arrayContaining([expect.stringContaining('1 dead in queue clean')]),
    });
    expect(letters.queues[0].letters).toMatchObject([
      { keys: [], why: expect.stringContaining('it is not JSON'), readable: false },
    ]);
  });
});
