import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  BatchError,
  type JobProgress,
  type LocalBatchOptions,
  openLocalBatch,
} from '../../lib/runtime/index.ts';
import { batchContract, plan, recorded } from './batch-contract.ts';
import { temporaryFolder } from './temp.ts';

const children = join(import.meta.dirname, 'children');

async function open(options: Partial<LocalBatchOptions> = {}) {
  const logs = await temporaryFolder();
  const command = { command: process.execPath, args: [join(children, 'job.mjs')] };
  const commands = { finetune: command, score: command, export: command };
  const batch = openLocalBatch({ commands, logs, maxConcurrent: 2, ...options });
  return { batch, logs, record: join(logs, 'record') };
}

batchContract('local batch', async () => {
  const { batch } = await open();
  return { runner: batch, wait: (id) => batch.wait(id) };
});

describe('children', () => {
  it('run as many at a time as allowed, and no more', async () => {
    // given children that each wait until two have begun
    const { batch, record } = await open({ maxConcurrent: 2 });
    const steps = {
      all: [
        [
          ['record', 'begin'],
          ['until', 2],
          ['record', 'end'],
        ],
      ],
    } as const;
    // when
    const id = await batch.submit(plan('pairs', record, steps, { arraySize: 6 }));
    expect((await batch.wait(id)).status).toBe('SUCCEEDED');
    // then
    let running = 0;
    let most = 0;
    for (const line of await recorded(record)) {
      running += line.startsWith('begin') ? 1 : -1;
      most = Math.max(most, running);
    }
    expect(most).toBe(2);
  });

  it('have their output in a log file each, appended, and their progress reported', async () => {
    const reports: JobProgress[] = [];
    const { batch, logs, record } = await open({ onProgress: (report) => reports.push(report) });
    const first = [
      ['print', '{"progress":{"done":1}}'],
      ['print', 'hello'],
      ['print', '{"progress":'],
      ['exit', 75],
    ] as const;
    const second = [
      ['complain', 'careful'],
      ['print', '{"progress":"half"}'],
    ] as const;
    const id = await batch.submit(
      plan('talks', record, { 1: [first, second] }, { arraySize: 2, attempts: 2 }),
    );
    expect((await batch.wait(id)).status).toBe('SUCCEEDED');
    expect((await readdir(join(logs, 'talks'))).sort()).toEqual(['0.log', '1.log']);
    expect(await readFile(join(logs, 'talks/1.log'), 'utf8')).toBe('hello\n{"progress":\ncareful\n');
    const of = { jobId: id, name: 'talks', index: 1 };
    expect(reports).toEqual([
      { ...of, progress: { done: 1 } },
      { ...of, progress: 'half' },
    ]);
  });

  it('fail with a reason when they cannot be started or listened to', async () => {
    const { batch } = await open({
      commands: { finetune: { command: join(children, 'no-such-program') } },
    });
    const missing = await batch.submit({
      name: 'missing',
      definition: 'finetune',
      environment: {},
      attempts: 3,
    });
    expect(await batch.wait(missing)).toMatchObject({
      status: 'FAILED',
      reason: expect.stringMatching(/could not be run: .*no-such-program is not there/),
    });
    await expect(batch.submit({ name: 'x', definition: 'export', environment: {} })).rejects.toThrow(
      /no command/,
    );
    const { batch: other, record } = await open({
      onProgress: () => {
        throw new BatchError('the listener broke');
      },
    });
    const id = await other.submit(plan('loud', record, { all: [[['print', '{"progress":1}']]] }));
    expect((await other.wait(id)).reason).toMatch(/the listener broke/);
  });

  it('get the command’s environment, the request’s and the runner’s, the last one winning', async () => {
    const base = { command: process.execPath, args: [join(children, 'job.mjs')] };
    const { batch, record } = await open({
      environment: { A: 'runner', B: 'runner', C: 'runner' },
      commands: { score: { ...base, env: { B: 'command', C: 'command' } } },
    });
    const steps = {
      all: [
        [
          ['recordId', 'A'],
          ['recordId', 'B'],
          ['recordId', 'C'],
        ],
      ],
    } as const;
    const request = plan('env', record, steps);
    const id = await batch.submit({ ...request, environment: { ...request.environment, C: 'request' } });
    await batch.wait(id);
    expect(await recorded(record)).toEqual([`${id} runner`, `${id} command`, `${id} request`]);
  });

  it('are stopped when the runner is closed, and nothing is started afterwards', async () => {
    // given two running children of five
    let begun = 0;
    let bothBegun = () => {};
    const begin = new Promise<void>((resolve) => (bothBegun = resolve));
    const { batch, record } = await open({ onProgress: () => ++begun === 2 && bothBegun() });
    const print = ['print', '{"progress":"begun"}'] as const;
    const steps = { all: [[['record', 'begun'], print, ['until', 99]]] } as const;
    const running = await batch.submit(plan('endless', record, steps, { arraySize: 5, attempts: 3 }));
    const waiting = await batch.submit(plan('after', record, {}, { dependsOn: [running] }));
    await begin;
    // when
    await batch.close();
    // then
    expect(await recorded(record)).toHaveLength(2);
    expect(await batch.wait(running)).toMatchObject({ status: 'FAILED', reason: 'the runner was closed' });
    expect((await batch.wait(waiting)).status).toBe('FAILED');
    await expect(batch.submit(plan('late', record, {}))).rejects.toThrow(/closed runner/);
    await expect(batch.wait('unknown')).rejects.toThrow(BatchError);
  });

  it('cannot be none at a time', () => {
    for (const maxConcurrent of [0, -1, 1.5]) {
      expect(() => openLocalBatch({ commands: {}, logs: '.', maxConcurrent })).toThrow(BatchError);
    }
  });
});

describe('the end of the runner’s process', () => {
  it('ends its children when it is told to end', async () => {
    // given
    const { parent, gone, exitCode } = await runOrphan();
    // when
    parent.kill('SIGTERM');
    // then it dies as it would have without children, and they are gone
    expect(await once(parent, 'exit')).toEqual([null, 'SIGTERM']);
    await gone;
    expect(['', '75']).toContain(await exitCode());
  });

  it('is noticed by its children even when it is killed, and they say that they can be retried', async () => {
    const { parent, gone, exitCode } = await runOrphan();
    parent.kill('SIGKILL');
    expect(await once(parent, 'exit')).toEqual([null, 'SIGKILL']);
    await gone;
    expect(await exitCode()).toBe('75');
  });
});

/** Starts a process with a runner with a child, which has connected to us when this resolves. */
async function runOrphan(): Promise<{
  parent: ChildProcess;
  gone: Promise<unknown>;
  exitCode(): Promise<string>;
}> {
  const folder = await temporaryFolder();
  const [socket, exit] = [join(folder, 'socket'), join(folder, 'exit')];
  const server = createServer().listen(socket);
  const connected = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const args = ['--import', 'tsx', join(children, 'batch-parent.ts'), 'orphan.ts', join(folder, 'logs')];
  const parent = spawn(process.execPath, args, {
    env: { ...process.env, SOCKET: socket, EXIT: exit },
    stdio: 'inherit',
  });
  const connection = await connected;
  const gone = once(connection.on('error', () => {}).resume(), 'close').then(() => server.close());
  return { parent, gone, exitCode: () => readFile(exit, 'utf8').catch(() => '') };
}
