import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { getText, openFolderStore } from '../../lib/runtime/index.ts';
import { ALL } from '../all.ts';
import { contentOf } from './children/content.ts';
import { temporaryFolder } from './temp.ts';

const SEED = 20110910;
const KILLS = ALL ? 12 : 6;

it(`leaves only whole objects when its writer is killed (seed ${SEED})`, async () => {
  // given
  const root = await temporaryFolder();
  const random = generator(SEED);
  let checked = 0;
  for (let round = 0; round < KILLS; round++) {
    // when a writer gets SIGKILL after a random number of pieces
    const writer = start('writer.ts', [root, String(round + 1)]);
    const exited = once(writer, 'exit');
    let pieces = 1 + Math.floor(random() * 120);
    for await (const _ of lines(writer)) if (--pieces === 0) writer.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
    // then whatever can be seen is whole, nothing is left over, and every key can be written
    const store = await openFolderStore(root, { durable: false });
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
    for await (const { key, size } of store.list('')) {
      const bytes = await (await store.get(key)).bytes();
      expect(Buffer.compare(bytes, contentOf(key, size)), `${key} in round ${round}`).toBe(0);
      checked++;
    }
    expect((await store.put('swapped', contentOf('swapped', round))).written).toBe(true);
  }
  expect(checked).toBeGreaterThan(KILLS);
});

it('lets exactly one process win every race', async () => {
  // given
  const [processes, keys, increments] = [3, 25, 25];
  const root = await temporaryFolder();
  const store = await openFolderStore(root, { durable: false });
  await store.put('counter', '0');
  // when
  const racers = Array.from({ length: processes }, (_, i) =>
    start('racer.ts', [root, `racer ${i}`, String(keys), String(increments)]),
  );
  const outputs = racers.map((racer) => lines(racer)[Symbol.asyncIterator]());
  for (const output of outputs) expect((await output.next()).value).toBe('ready');
  for (const racer of racers) racer.stdin?.write('go\n');
  const results: { won: number; mine: number }[] = [];
  for (const output of outputs) results.push(JSON.parse(String((await output.next()).value)));
  // then every key has one winner, whose bytes stand there, and no increment is lost
  expect(results.reduce((sum, { won }) => sum + won, 0)).toBe(keys);
  for (const { won, mine } of results) expect(mine).toBe(won);
  expect(await getText(store, 'counter')).toBe(String(processes * increments));
  await Promise.all(racers.map((racer) => racer.exitCode ?? once(racer, 'exit')));
});

function start(script: string, args: readonly string[]): ChildProcess {
  const path = join(import.meta.dirname, 'children', script);
  return spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

function lines(child: ChildProcess): AsyncIterable<string> {
  if (!child.stdout) throw new Error('the child was started without a pipe');
  return createInterface({ input: child.stdout });
}

/** Numbers in [0, 1) from a seed (a linear congruential generator: any spread will do). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
