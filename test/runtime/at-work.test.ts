import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { markAtWork, openFolderStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from './temp.ts';

const WORKER = fileURLToPath(new URL('./children/worker.ts', import.meta.url));

interface Worker {
  readonly child: ChildProcess;
  /** Tells it to 'go' or to 'free' the mark, and gives what it says. */
  tell(what: 'go' | 'free'): Promise<string>;
  /** Lets it end, by itself or killed. */
  end(how?: 'SIGKILL'): Promise<unknown>;
}

/** A process that waits for its turn, so that several can begin at one moment. */
async function worker(root: string): Promise<Worker> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), WORKER, root]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async () => String((await lines.next()).value);
  expect(await said()).toBe('ready');
  const exited = once(child, 'exit');
  return {
    child,
    tell(what) {
      child.stdin.write(`${what}\n`);
      return said();
    },
    end(how) {
      if (how) child.kill(how);
      else child.stdin.end();
      return exited;
    },
  };
}

const marks = (root: string) => readdir(join(root, '.tmp'));
const holderIn = async (root: string) => {
  const folder = join(root, '.tmp/at-work');
  const [name = ''] = await readdir(folder);
  return { path: join(folder, name), holder: JSON.parse(await readFile(join(folder, name), 'utf8')) };
};

describe('of processes that begin to work on one folder', () => {
  it('at the same moment exactly one does, and the others are told which; round after round', async () => {
    // given
    const root = await temporaryFolder();
    const [rounds, processes, kills] = [60, 3, 3];
    const workers = await Promise.all(Array.from({ length: processes }, () => worker(root)));
    for (let round = 0; round < rounds; round++) {
      // when
      const answers = await Promise.all(workers.map((one) => one.tell('go')));
      // then
      const winner = answers.indexOf('at work');
      const { child } = workers[winner]!;
      const busy =
        `busy: another "nightjar run" is at work on ${root} (process ${child.pid}, since ` +
        'YYYY-MM-DD hh:mm:ss): wait until it is done, or stop it';
      const told = answers.map((answer) =>
        answer.replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, 'YYYY-MM-DD hh:mm:ss'),
      );
      expect(told).toEqual(workers.map((_, i) => (i === winner ? 'at work' : busy)));
      // when: it ends well, ends without a word, or is killed, and the next round begins over what it left
      if (round < kills) {
        await workers[winner]!.end('SIGKILL');
        workers[winner] = await worker(root);
      } else {
        expect(await workers[winner]!.tell('free')).toBe('free');
        expect(await marks(root)).toEqual([]);
      }
    }
    // and: one that ends with the mark takes it along
    expect(await workers[0]!.tell('go')).toBe('at work');
    for (const one of workers) await one.end();
    expect(await marks(root)).toEqual([]);
  });

  it('one that was stopped, not ended, keeps the others out', async () => {
    const root = await temporaryFolder();
    const [first, second] = [await worker(root), await worker(root)];
    expect(await first.tell('go')).toBe('at work');
    first.child.kill('SIGSTOP');
    expect(await second.tell('go')).toContain(`(process ${first.child.pid}, since`);
    first.child.kill('SIGCONT');
    for (const one of [first, second]) await one.end();
  });
});

describe('a mark keeps nobody out', () => {
  it('when its process is dead, its number was given to another, or its text was lost', async () => {
    const root = await temporaryFolder();
    await (await markAtWork(root, 'run'))();
    const held = await worker(root);
    expect(await held.tell('go')).toBe('at work');
    const { holder } = await holderIn(root);
    await held.end('SIGKILL');
    const left = [
      JSON.stringify(holder),
      // This very process has the number, and was not started then.
      JSON.stringify({ ...holder, pid: process.pid, started: '1' }),
      '',
      '{"pid"',
    ];
    for (const text of left) {
      await mkdir(join(root, '.tmp/at-work'), { recursive: true });
      await writeFile(join(root, '.tmp/at-work/12-ab'), text);
      const release = await markAtWork(root, 'clean');
      expect((await holderIn(root)).holder).toMatchObject({ pid: process.pid, command: 'clean' });
      await release();
      expect(await marks(root)).toEqual([]);
    }
  });

  it('of another machine when it has been silent for long; while it is heard of, it does', async () => {
    const root = await temporaryFolder();
    const release = await markAtWork(root, 'run');
    const { path, holder } = await holderIn(root);
    await writeFile(path, JSON.stringify({ ...holder, pid: 1, host: 'elsewhere', machine: 'other' }));
    await expect(markAtWork(root, 'run')).rejects.toThrow(/at work on .* \(process 1 on elsewhere, since/);
    const long = new Date(Date.now() - 600_000);
    await utimes(path, long, long);
    await (await markAtWork(root, 'run'))();
    await release();
  });

  it('that another has taken off or replaced: to release it then changes nothing', async () => {
    const root = await temporaryFolder();
    const first = await markAtWork(root, 'run');
    const { path, holder } = await holderIn(root);
    await writeFile(path, JSON.stringify({ ...holder, pid: 99_999_999 }));
    const second = await markAtWork(root, 'clean');
    await first();
    expect((await holderIn(root)).holder).toMatchObject({ command: 'clean' });
    await expect(markAtWork(root, 'run')).rejects.toThrow(/another "nightjar clean" is at work/);
    await second();
  });
});

it('a store that is opened meanwhile leaves the mark', async () => {
  const root = await temporaryFolder();
  const release = await markAtWork(root, 'run');
  await openFolderStore(root);
  expect(await marks(root)).toEqual(['at-work']);
  await release();
});
