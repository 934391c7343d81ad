import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const script = fileURLToPath(new URL('./killable-run.ts', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-killed-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** Runs the process; kills it with SIGKILL as soon as it has printed the loss of a step. */
function run(checkpoint: string, killAfter?: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', script, checkpoint], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (killAfter !== undefined && output.includes(`\n${killAfter} `)) child.kill('SIGKILL');
    });
    child.on('error', reject);
    child.on('close', () => resolve(output.split('\n').slice(0, -1)));
  });
}

it('a process killed with SIGKILL and started again ends as one that was not', async () => {
  // given a whole run
  const whole = await run(join(folder, 'whole'));
  expect(whole.length).toBe(31);
  // when another is killed twice, and started a third time
  const checkpoint = join(folder, 'killed');
  const first = await run(checkpoint, 10);
  const second = await run(checkpoint, 21);
  const third = await run(checkpoint);
  // then it did go on from a checkpoint, and every line is the whole run's
  expect(third.length).toBeLessThan(31);
  expect(whole).toEqual(expect.arrayContaining([...first, ...second]));
  expect(third).toEqual(whole.slice(-third.length));
});
