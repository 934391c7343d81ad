import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { HAS_OTHER_USER } from '../runtime/other-user.ts';
import { nightjar, type Surroundings, startNightjar } from './command.ts';
import {
  CAN_MOUNT,
  COMMANDS,
  type CommandName,
  copied,
  expectSentence,
  onDisk,
  openShops,
  type Shops,
  shell,
  withDisk,
} from './faults.ts';

/** Minutes each: run by `npm run test:all`. */
const LONG = 1_800_000;

let shops: Shops;
beforeAll(async () => {
  shops = await openShops();
}, LONG);

interface Case {
  readonly home: string;
  readonly around?: Surroundings;
  /** Before the command. */
  readonly args?: readonly string[];
}

const NAMES = Object.keys(COMMANDS) as CommandName[];
/** Those that process the bucket. */
const PROCESSING = [
  'clean',
  'features',
  'run',
  'finetune',
  'score',
  'export',
  'backtest',
  'backfill',
] as const;
const OPENING = [...PROCESSING, 'drop', 'report', 'status'] as const;

/** Every command under a fault; those that cannot do without what fails must say so. */
async function walk(make: () => Promise<Case>, bites: Partial<Record<CommandName, RegExp>>): Promise<void> {
  for (const name of NAMES) {
    const { home, around = {}, args = [] } = await make();
    const ended = await nightjar([...args, ...COMMANDS[name]], home, around);
    expectSentence(ended, name);
    const bite = bites[name];
    if (!bite) continue;
    expect(ended.stderr, name).toMatch(bite);
    expect(ended.code, name).toBeGreaterThan(0);
  }
}

const all = (names: readonly CommandName[], sentence: RegExp) =>
  Object.fromEntries(names.map((name) => [name, sentence]));

describe('every command ends in one sentence', { timeout: LONG }, () => {
  it.skipIf(!CAN_MOUNT)('when the disk of the bucket is full', () =>
    walk(() => onDisk(shops.fresh, 'full'), {
      ...all(
        [...PROCESSING, 'drop'],
        /the disk of the bucket .*disk\/bucket is full: make room there, or name another folder with --store/,
      ),
    }),
  );

  it.skipIf(!CAN_MOUNT)('when the disk of the bucket is read-only', () =>
    walk(() => onDisk(shops.fresh, 'read-only'), {
      ...all(
        [...PROCESSING, 'drop'],
        /the disk of the (bucket|pseudonym key) .*disk\/bucket.* is read-only: make it writable/,
      ),
    }),
  );

  it.skipIf(!CAN_MOUNT)('when the disk of the temporary folder is full', async () => {
    const temporary =
      /the disk of the temporary folder .*temporary is full: make room there, or set TMPDIR to another folder/;
    await walk(
      async () => {
        const home = await copied(shops.fresh);
        const disk = join(home, 'temporary');
        await mkdir(disk);
        return { home, around: { under: withDisk(disk, '16k', 'true'), env: { TMPDIR: disk } } };
      },
      all(['check', 'clean', 'features'], temporary),
    );
    // and: a night that needs room for its export alone
    const home = await copied(shops.done);
    await rm(join(home, '.nightjar/bucket/exports'), { recursive: true });
    await mkdir(join(home, 'temporary'));
    const disk = join(home, 'temporary');
    const around = { under: withDisk(disk, '16k', 'true'), env: { TMPDIR: disk } };
    const ended = await nightjar(COMMANDS.run, home, around);
    expectSentence(ended, 'run');
    expect(ended.stderr).toMatch(temporary);
  });

  it.skipIf(!HAS_OTHER_USER)(
    'when this user has no right to the bucket, the folder or the temporary folder',
    async () => {
      const closed = (path: string, mode: number) => async (): Promise<Case> => {
        const home = await copied(shops.fresh);
        await chmod(home, 0o755);
        await chmod(join(home, path), mode);
        return { home, around: { asOther: true } };
      };
      const rights = /the permissions of .* do not allow it: change them \(chmod, chown\)/;
      await walk(closed('.nightjar/bucket', 0o755), all([...PROCESSING, 'drop', 'init'], rights));
      await walk(closed('.nightjar', 0o700), all(OPENING, rights));
      await walk(closed('nightjar.config.ts', 0o600), all([...OPENING, 'cost'], rights));
      await walk(closed('log.csv', 0o600), { check: rights });
    },
  );

  it('when a file is where a folder should be', async () => {
    const home = () => copied(shops.fresh);
    const reached = /cannot be reached: a part of its path is a file, not a folder/;
    await walk(async () => ({ home: await home(), args: ['--store', 'log.csv'] }), all(OPENING, reached));
    await walk(
      async () => ({ home: await home(), args: ['--store', 'log.csv/bucket'] }),
      all(OPENING, reached),
    );
    await walk(
      async () => {
        const at = await home();
        await rm(join(at, '.nightjar'), { recursive: true });
        await writeFile(join(at, '.nightjar'), '');
        return { home: at };
      },
      all(OPENING, reached),
    );
    await walk(
      async () => {
        const at = await home();
        await writeFile(join(at, 'out'), '');
        await writeFile(join(at, 'new'), '');
        return { home: at };
      },
      all(['init', 'backtest'], /is there already|cannot be reached: a part of its path is a file/),
    );
  });

  it('when a folder is where a file should be', async () => {
    const folderAt = (path: string) => async (): Promise<Case> => {
      const home = await copied(shops.fresh);
      await rm(join(home, path), { recursive: true, force: true });
      await mkdir(join(home, path), { recursive: true });
      return { home };
    };
    await walk(
      folderAt('nightjar.config.ts'),
      all([...OPENING, 'cost', 'deploy'], /nightjar\.config\.ts is no file: point --config/),
    );
    await walk(
      folderAt('.nightjar/pseudonym.key'),
      all(['clean', 'run'], /the pseudonym key .* is a folder where a file is expected/),
    );
    await walk(folderAt('log.csv'), { check: /log\.csv is a folder: give one file/ });
    await walk(folderAt('out/p.csv'), { backtest: /out\/p\.csv is a folder|out\/p\.csv .*is there already/ });
  });

  it('when too many files are open, wherever that begins to bite', async () => {
    for (const limit of [24, 40, 56, 72, 88, 104, 120]) {
      await walk(
        async () => ({
          home: await copied(shops.fresh),
          around: { under: ['prlimit', `--nofile=${limit}`] },
        }),
        {},
      );
    }
  });

  it('when the config or the key is missing, empty, broken or binary', async () => {
    const withText = (path: string, text: string | Uint8Array | undefined) => async (): Promise<Case> => {
      const home = await copied(shops.done);
      if (text === undefined) await rm(join(home, path));
      else await writeFile(join(home, path), text);
      return { home };
    };
    const reading: readonly CommandName[] = [...OPENING, 'cost', 'deploy', 'redrive'];
    for (const [text, sentence] of [
      [undefined, /no config at .*nightjar\.config\.ts: run "npx nightjar-shop init"/],
      ['', /has no default export/],
      ['export default {', /cannot be loaded: line 1, column \d+: .*: correct it there/],
      ['export default 1', /has 1 wrong setting/],
      ['export default { shop: { timeZone: "Mars" } }', /wrong settings/],
      ['throw new Error("no\\nsuch shop")', /cannot be loaded: no: correct it there/],
      ['import "./none.ts"; export default {}', /Could not resolve "\.\/none\.ts"/],
      [Uint8Array.of(0, 1, 2, 255), /cannot be loaded/],
    ] as const) {
      await walk(withText('nightjar.config.ts', text), all(reading, sentence));
    }
    for (const key of [new Uint8Array(0), new Uint8Array(63), 'text']) {
      await walk(
        withText('.nightjar/pseudonym.key', key),
        all(['clean', 'run'], /the pseudonym key .* has \d+ bytes, expected 64: restore it/),
      );
    }
  });

  it('when nobody reads its output, or the disk that it is led to is full', async () => {
    for (const name of NAMES) {
      const home = await copied(shops.done);
      const args = COMMANDS[name].map((word) => `'${word}'`).join(' ');
      const piped = await shell(`set -o pipefail; "$@" ${args} | true`, home);
      expectSentence(piped, `${name} | true`);
      const full = await shell(`"$@" ${args} > /dev/full`, home);
      expectSentence(full, `${name} > /dev/full`);
      if (name === 'status') {
        expect(piped).toMatchObject({ code: 0, stderr: '' });
        expect(full).toMatchObject({
          code: 1,
          stderr: 'nightjar: the disk of standard output is full: make room there\n',
        });
      }
    }
  });

  it('when it is stopped, at any moment: 130 after Ctrl-C, and the same command goes on', async () => {
    const home = await copied(shops.fresh);
    for (let after = 500, over = false; !over; after += 700) {
      const started = startNightjar(COMMANDS.run, home);
      const timer = setTimeout(() => started.signal('SIGINT'), after);
      const { code, stderr } = await started.ended;
      clearTimeout(timer);
      over = code === 0;
      if (over) break;
      // Before the program is loaded, the system ends it.
      expect(code === 130 || code === null, `${after} ms: ${stderr}`).toBe(true);
      expect(stderr).not.toMatch(/^\s+at /m);
      if (code === 130) expect(stderr).toContain('nightjar: stopped; the same command goes on from here\n');
      expect(await readdir(join(home, '.nightjar/bucket/.tmp')).catch(() => [])).not.toContain('at-work');
    }
    expect((await nightjar(COMMANDS.run, home)).code).toBe(0);
  });
});
