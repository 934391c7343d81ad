import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shardRange } from '../../lib/run/job.ts';

let folder: string;
let keyFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-job-'));
  keyFile = join(folder, 'pseudonym.key');
  await writeFile(keyFile, new Uint8Array(64));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the job to its end; it is told to end once it waits. */
async function run(how: string, env: Record<string, string> = { NIGHTJAR_RUN: 'r1' }) {
  const child = spawn(
    process.execPath,
    [
      '--import',
      import.meta.resolve('tsx'),
      fileURLToPath(new URL('./children/job.ts', import.meta.url)),
      how,
    ],
    {
      env: {
        PATH: process.env.PATH,
        NIGHTJAR_STORE: join(folder, 'bucket'),
        NIGHTJAR_KEY_FILE: keyFile,
        ...env,
      },
    },
  );
  const exited = once(child, 'exit');
  const lines: Record<string, unknown>[] = [];
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += chunk));
  for await (const line of createInterface({ input: child.stdout })) {
    const entry: Record<string, unknown> = JSON.parse(line);
    lines.push(entry);
    if ('progress' in entry) child.kill('SIGTERM');
  }
  const [code] = await exited;
  return { code, lines, lastError: errors.trim().split('\n').at(-1) };
}

describe('a job', () => {
  it('says first what it runs on', async () => {
    // when
    const { lines } = await run('finishes', {
      NIGHTJAR_RUN: 'r1',
      NIGHTJAR_DEVICE: 'cuda',
      NIGHTJAR_MEMORY_MIB: '4096',
      AWS_BATCH_JOB_ARRAY_INDEX: '3',
      AWS_BATCH_JOB_ATTEMPT: '2',
    });
    // then
    expect(lines[0]).toEqual({
      health: {
        job: 'score',
        run: 'r1',
        child: 3,
        attempt: 2,
        node: process.versions.node,
        onnxruntime: expect.stringMatching(/^1\.\d+\.\d+/),
        device: 'cuda',
        devices: expect.any(Array),
        threads: expect.any(Number),
        memoryMiB: 4096,
      },
    });
    expect(existsSync(join(folder, 'bucket', 'runs', 'r1', 'seen.txt'))).toBe(true);
  });

  it.each([
    { how: 'gives up', code: 75, lastError: 'stopped between two steps' },
    { how: 'finishes', code: 0, lastError: '' },
    { how: 'waits for ever', code: 75, lastError: '' },
  ])('that is told to end and $how ends with $code', async ({ how, code, lastError }) => {
    // when
    const ended = await run(how);
    // then
    expect(ended).toMatchObject({ code, lastError });
  });

  it.each([
    { how: 'fails', lastError: 'the data is not as expected' },
    {
      how: 'breaks',
      lastError:
        'a fault: this is a fault of Nightjar: report it, with what it prints under NIGHTJAR_DEBUG=1',
    },
  ])('that $how ends with 1, and its last line says why', async ({ how, lastError }) => {
    // when
    const ended = await run(how);
    // then
    expect(ended).toMatchObject({ code: 1, lastError });
  });

  it('that finds a dependency away ends with 75, and its last line says which', async () => {
    // when
    const ended = await run('finds its store away');
    // then
    expect(ended).toMatchObject({ code: 75, lastError: 'runs/r1/manifest.json cannot be read: SlowDown' });
  });

  it('without a run says which variable it needs', async () => {
    // when
    const { code, lastError } = await run('finishes', {});
    // then
    expect(code).toBe(1);
    expect(lastError).toContain('NIGHTJAR_RUN');
  });
});

it('the children of an array share the shards, each shard to one of them', () => {
  // when
  const ranges = [0, 1, 2].map((index) => shardRange(8, 3, index));
  // then
  expect(ranges).toEqual([
    { from: 0, to: 2 },
    { from: 2, to: 5 },
    { from: 5, to: 8 },
  ]);
});
