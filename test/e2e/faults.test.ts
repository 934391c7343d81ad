import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { HAS_OTHER_USER } from '../runtime/other-user.ts';
import { nightjar, type Surroundings, startNightjar } from './command.ts';
import { CAN_MOUNT, copied, expectSentence, onDisk, openFresh, shell, withDisk } from './faults.ts';

/**
 * One command for each kind of fault of a machine; faults.slow.ts walks every command with each (`npm run test:all`).
 */

const SLOW = 120_000;
let fresh: string;
beforeAll(async () => {
  fresh = await openFresh();
}, SLOW);

/** What a command that cannot do its work says last. */
async function said(args: readonly string[], home: string, around: Surroundings = {}): Promise<string> {
  const ended = await nightjar(args, home, around);
  expectSentence(ended, args.join(' '));
  expect(ended.code, ended.stderr).toBeGreaterThan(0);
  return ended.stderr;
}

describe('a command ends in one sentence with path and cure', { timeout: SLOW }, () => {
  it.skipIf(!CAN_MOUNT)('on a full or read-only disk, which it names', async () => {
    const full = await onDisk(fresh, 'full');
    expect(
      await said([...full.args, 'drop', 'later.csv', '--source', 'log'], full.home, full.around),
    ).toMatch(
      /^nightjar: drop\/log\/later\.csv cannot be written: the disk of the bucket .*\/disk\/bucket is full: make room/,
    );
    const fixed = await onDisk(fresh, 'read-only');
    expect(await said([...fixed.args, 'clean'], fixed.home, fixed.around)).toMatch(
      /the disk of the bucket .*\/disk\/bucket is read-only: make it writable, or name another folder with --store/,
    );
    // What can only be read can be looked at.
    const status = await nightjar([...fixed.args, 'status'], fixed.home, fixed.around);
    expect([status.code, status.stderr]).toEqual([0, '']);
    const home = await copied(fresh);
    const disk = join(home, 'temporary');
    await mkdir(disk);
    const around = { under: withDisk(disk, '32k', 'true'), env: { TMPDIR: disk } };
    expect(await said(['check', 'log.csv'], home, around)).toBe(
      `nightjar: the disk of the temporary folder ${disk} is full: make room there, or set TMPDIR to another folder\n`,
    );
  });

  it.skipIf(!HAS_OTHER_USER)('without the right to a folder or a file', async () => {
    const home = await copied(fresh);
    await chmod(home, 0o755);
    expect(await said(['clean'], home, { asOther: true })).toMatch(
      /^nightjar: the permissions of the bucket .*bucket do not allow it: change them \(chmod, chown\), or name/m,
    );
    await chmod(join(home, 'log.csv'), 0o600);
    expect(await said(['check', 'log.csv'], home, { asOther: true })).toMatch(
      /^nightjar: the permissions of .*log\.csv do not allow it: change them \(chmod, chown\)$/m,
    );
  });

  it('over a file where a folder should be, a folder where a file should be, and nothing at all', async () => {
    const home = await copied(fresh);
    expect(await said(['--store', 'log.csv', 'status'], home)).toMatch(
      /^nightjar: the bucket .*\/log\.csv cannot be reached: a part of its path is a file, not a folder/,
    );
    expect(await said(['check', '.nightjar'], home)).toBe('nightjar: .nightjar is a folder: give one file\n');
    expect(await said(['check', 'none.csv'], home)).toMatch(
      /^nightjar: .*none\.csv is not there: check the path/,
    );
    await rm(join(home, '.nightjar/pseudonym.key'), { force: true });
    await mkdir(join(home, '.nightjar/pseudonym.key'));
    expect(await said(['clean'], home)).toMatch(/the pseudonym key .* is a folder where a file is expected/);
    await writeFile(join(home, 'nightjar.config.ts'), 'export default {');
    expect(await said(['status'], home)).toMatch(
      /cannot be loaded: line 1, column \d+: .*: correct it there/,
    );
  });

  it('when too many files are open', async () => {
    for (const limit of [24, 48]) {
      expect(await said(['status'], fresh, { under: ['prlimit', `--nofile=${limit}`] })).toContain(
        'ulimit -n',
      );
    }
  });

  it('when its output is not wanted or cannot be written', async () => {
    const piped = await shell('set -o pipefail; "$@" status | true', fresh);
    expect(piped).toMatchObject({ code: 0, stderr: '' });
    const full = await shell('"$@" status > /dev/full', fresh);
    expect(full).toMatchObject({
      code: 1,
      stderr: 'nightjar: the disk of standard output is full: make room there\n',
    });
  });

  it('when it is stopped: 130, and nothing is left that keeps the next one out', async () => {
    const home = await copied(fresh);
    const started = startNightjar(['run', '--as-of', '2025-02-15'], home);
    while (!existsSync(join(home, '.nightjar/bucket/.tmp/at-work'))) await after(5);
    started.signal('SIGINT');
    const { code, stderr } = await started.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/nightjar: stopped; the same command goes on from here\n$/);
    expect(await readdir(join(home, '.nightjar/bucket/.tmp'))).not.toContain('at-work');
    expect((await nightjar(['clean'], home)).code).toBe(0);
  });
});
