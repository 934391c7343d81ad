import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync } from 'node:fs';
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyDrop } from '../../bin/local/drop-copy.ts';
import { type DropPlan, type DropRequest, planDrop } from '../../bin/local/drop-plan.ts';
import { openWorkspace, type Workspace } from '../../bin/workspace.ts';
import { getText } from '../../lib/runtime/index.ts';
import { HAS_OTHER_USER } from '../runtime/other-user.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';

const events = { format: 'csv', table: 'events', columns: { user: 'u', time: 't', type: "'purchase'" } };
const CONFIG = {
  shop: { name: 'Drops', timeZone: 'UTC' },
  sources: {
    orders: events,
    eu: { ...events, prefix: 'orders/eu/' },
    open: { ...events, prefix: 'tills/till-' },
  },
  tasks: {},
};
const HEAD = 'u,t\n';

let home: string;
let shop: Workspace;
const before = process.cwd();

beforeEach(async () => {
  home = await temporaryFolder();
  await writeFile(join(home, 'nightjar.config.ts'), `export default ${JSON.stringify(CONFIG)};\n`);
  shop = await openWorkspace({ config: home });
  process.chdir(home);
});
afterEach(() => process.chdir(before));

/** Writes files whose content is their own path, so that each differs. */
async function files(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${HEAD}${path},2024-05-01\n`);
  }
}

const plan = (paths: string[], more: Partial<DropRequest> = {}): Promise<DropPlan> =>
  planDrop(shop, { source: 'orders', replace: true, ...more, paths });

async function drop(paths: string[], more: Partial<DropRequest> = {}): Promise<string[]> {
  const planned = await plan(paths, more);
  const { failed } = await copyDrop(shop, planned, more.replace ?? true);
  expect(failed).toEqual([]);
  return planned.files.map(({ key, state }) => `${state} ${key.slice('drop/'.length)}`);
}

async function standing(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of shop.store.list('drop/')) keys.push(key.slice('drop/'.length));
  return keys;
}

describe('the key of a dropped file', () => {
  it('keeps a relative path as it was written: as files, a folder, or by a pattern', async () => {
    await files('day=1/part-0.csv', 'day=2/part-0.csv', 'exports/2024/05/01.csv', 'plain.csv');
    expect(await drop(['day=1/part-0.csv', './day=2/../day=2/part-0.csv', 'plain.csv'])).toEqual([
      'new orders/day=1/part-0.csv',
      'new orders/day=2/part-0.csv',
      'new orders/plain.csv',
    ]);
    expect(await drop(['exports'])).toEqual(['new orders/exports/2024/05/01.csv']);
    // The same files under the same keys, however they are named.
    const all = ['day=1/part-0.csv', 'day=2/part-0.csv', 'exports/2024/05/01.csv'];
    for (const paths of [all, ['day=1', 'day=2', 'exports/2024'], ['day=1/', 'day=2', './exports', ...all]]) {
      expect(await drop(paths)).toEqual(all.map((path) => `unchanged orders/${path}`));
    }
    expect(await standing()).toHaveLength(4);
    expect(await getText(shop.store, 'drop/orders/day=2/part-0.csv')).toContain('day=2');
  });

  it('does not depend on the current folder for absolute paths and those that lead out of it', async () => {
    await files('out/day=1/hour=2/part-0.csv', 'out/2024/orders.csv', 'out/top.csv', 'shop/here.csv');
    const at = (path: string) => join(home, path);
    const expected = {
      [at('out/day=1/hour=2/part-0.csv')]: 'orders/day=1/hour=2/part-0.csv',
      [at('out/day=1')]: 'orders/day=1/hour=2/part-0.csv',
      [at('out/2024/orders.csv')]: 'orders/orders.csv',
      [at('out/2024')]: 'orders/orders.csv',
      '../out/top.csv': 'orders/top.csv',
      '../out/day=1/hour=2': 'orders/day=1/hour=2/part-0.csv',
    };
    for (const folder of ['shop', 'out']) {
      process.chdir(at(folder));
      for (const [path, key] of Object.entries(expected)) {
        const { files: planned } = await plan([path]);
        if (folder === 'out' && path.startsWith('..')) continue;
        expect(
          planned.map((file) => file.key),
          `${path} from ${folder}`,
        ).toEqual([`drop/${key}`]);
      }
    }
  });

  it('is the path below --base where one is given, and nothing else is taken', async () => {
    await files('out/mon/orders.csv', 'out/tue/orders.csv', 'other/orders.csv');
    const base = join(home, 'out');
    const both = ['drop/orders/mon/orders.csv', 'drop/orders/tue/orders.csv'];
    for (const paths of [
      ['out'],
      ['out/mon', 'out/tue/orders.csv'],
      [join(base, 'mon'), join(base, 'tue')],
    ]) {
      expect((await plan(paths, { base })).files.map(({ key }) => key)).toEqual(both);
    }
    await expect(plan(['other/orders.csv'], { base })).rejects.toThrow(
      /other\/orders\.csv is not below --base/,
    );
    await expect(plan(['out'], { base: 'none' })).rejects.toThrow(/--base none is no folder/);
  });

  it('begins with the prefix of its source, which need not be a folder', async () => {
    await files('7.csv');
    expect(await drop(['7.csv'], { source: 'open' })).toEqual(['new tills/till-7.csv']);
    await expect(plan(['7.csv'], { source: 'none' })).rejects.toThrow(
      'there is no source "none" in the config; it has: orders, eu, open',
    );
  });
});

describe('before anything is copied, a call is refused', () => {
  const refused = async (paths: string[], why: RegExp, more: Partial<DropRequest> = {}) => {
    const stood = await standing();
    await expect(plan(paths, more)).rejects.toThrow(why);
    expect(await standing()).toEqual(stood);
  };

  it('where two files want one key', async () => {
    await files('x/mon/orders.csv', 'x/tue/orders.csv', 'good.csv');
    const [mon, tue] = [join(home, 'x/mon/orders.csv'), join(home, 'x/tue/orders.csv')];
    await refused(
      ['good.csv', mon, tue],
      /mon\/orders\.csv and .*tue\/orders\.csv would both be drop\/orders\/orders\.csv: give --base/,
    );
    await refused([dirname(mon), dirname(tue)], /would both be drop\/orders\/orders\.csv/);
    // One file that is named twice is one file.
    expect((await plan([mon, dirname(mon)])).files).toHaveLength(1);
  });

  it('where keys differ in case or accents alone, of files and folders, among themselves and from what stands', async () => {
    await files(
      'a/orders.csv',
      'b/Orders.csv',
      'Day=1/x.csv',
      'day=1/y.csv',
      'nfc/caf\u00e9.csv',
      'nfd/cafe\u0301.csv',
    );
    const base = (folder: string) => ({ base: join(home, folder) });
    await refused(
      ['Day=1/x.csv', 'day=1/y.csv'],
      /differs from drop\/orders\/Day=1.* in case or accents alone/,
    );
    await drop(['a/orders.csv'], base('a'));
    await refused(
      ['b/Orders.csv'],
      /Orders\.csv differs from drop\/orders\/orders\.csv, which is there already/,
      base('b'),
    );
    await drop(['nfc'], base('nfc'));
    await refused(['nfd'], /in case or accents alone/, base('nfd'));
    await drop(['Day=1']);
    await refused(['day=1'], /differs from drop\/orders\/Day=1, which is there already/);
  });

  it('where a key would be both a file and a folder', async () => {
    await files('one/a', 'two/a/b', 'three/a/b/c');
    const base = (folder: string) => ({ base: join(home, folder) });
    await drop(['two'], base('two'));
    await refused(['one'], /drop\/orders\/a is a folder with other objects/, base('one'));
    await refused(
      ['three'],
      /drop\/orders\/a\/b\/c is below drop\/orders\/a\/b, which is there already and is no folder/,
      base('three'),
    );
  });

  it('where no store could hold the key, with all such names at once', async () => {
    await mkdir('odd');
    const names = ['back\\slash.csv', 'line\nend.csv', 'tab\t.csv', `${'deep/'.repeat(210)}x.csv`];
    for (const name of names) {
      await mkdir(dirname(join('odd', name)), { recursive: true });
      await writeFile(join('odd', name), HEAD);
    }
    await writeFile(Buffer.concat([Buffer.from('odd/caf'), Buffer.from([0xe9])]), HEAD);
    await refused(['odd'], /^nothing was dropped, for 5 reasons:\n/);
    await refused(['odd'], /odd\/caf\ufffd cannot be dropped: .*not in UTF-8/);
    await refused(['odd'], /longer than 1024 bytes/);
  });

  it('where another source would take the file', async () => {
    await files('eu/x.csv');
    await refused(
      ['eu/x.csv'],
      /drop\/orders\/eu\/x\.csv belongs to source "eu", whose prefix is drop\/orders\/eu\/: drop it with --source eu/,
    );
    expect(await drop(['eu/x.csv'], { source: 'eu', base: join(home, 'eu') })).toEqual([
      'new orders/eu/x.csv',
    ]);
  });

  it('where something is no file: pipes, sockets, links to nowhere or in a circle, the bucket itself', async () => {
    await files('in/good.csv');
    execFileSync('mkfifo', ['in/pipe']);
    await symlink('nowhere', 'in/dangling');
    await symlink('.', 'in/again');
    await refused(
      ['in'],
      /3 reasons.*in\/again cannot be dropped: it is a link to a folder above it.*in\/dangling .* a link to nowhere.*in\/pipe .* a pipe, not a file/s,
    );
    await refused(['in/pipe'], /in\/pipe is no file/);
    await refused(['in/dangling', 'none.csv'], /there is no file in\/dangling\n.*there is no file none\.csv/);
    await drop(['in/good.csv']);
    await refused(['.nightjar/bucket/drop'], /nothing to drop in .*ignored by their names/);
    await refused([shop.root], /is in the bucket itself/);
    await mkdir('empty');
    await refused(['empty'], /^there is nothing to drop in empty$/);
  });

  it.skipIf(!HAS_OTHER_USER)('where a file may not be read', async () => {
    await files('in/open.csv', 'in/secret.csv');
    chmodSync('in/secret.csv', 0o000);
    for (const folder of [home, join(home, '.nightjar')]) chmodSync(folder, 0o777);
    execFileSync('chmod', ['-R', 'a+rwX', '.nightjar']);
    const { code, stderr, stdout } = await nightjar(['drop', 'in', '--source', 'orders'], home, {
      asOther: true,
    });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(
      'nightjar: in/secret.csv: this user may not read it: change its permissions (chmod, chown)\n',
    );
  });
});

describe('dropping', () => {
  it('says what was new, replaced and unchanged, and leaves alone what is unchanged', async () => {
    await files('a.csv', 'b.csv');
    await drop(['a.csv', 'b.csv']);
    const info = await stat(join(shop.root, 'drop/orders/b.csv'));
    await writeFile('a.csv', `${HEAD}z,2024-05-02\n`);
    const { code, stdout } = await nightjar(['drop', 'a.csv', 'b.csv', '--source', 'orders'], home);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'replaced   drop/orders/a.csv\nunchanged  drop/orders/b.csv\n1 dropped, 1 of them replaced what stood there, 1 unchanged\n',
    );
    // What was dropped keeps its time: the same file again is no news.
    expect((await stat(join(shop.root, 'drop/orders/b.csv'))).mtimeMs).toBe(info.mtimeMs);
    expect(await getText(shop.store, 'drop/orders/a.csv')).toContain('z,');
  });

  it('replaces nothing with --no-replace, and takes what is the same for done', async () => {
    await files('a.csv', 'b.csv');
    await drop(['a.csv']);
    expect(await drop(['a.csv', 'b.csv'], { replace: false })).toEqual([
      'unchanged orders/a.csv',
      'new orders/b.csv',
    ]);
    await writeFile('a.csv', HEAD);
    await files('c.csv');
    await expect(plan(['c.csv', 'a.csv'], { replace: false })).rejects.toThrow(
      /a\.csv is there already, with other bytes/,
    );
    expect(await standing()).toEqual(['orders/a.csv', 'orders/b.csv']);
    // and: what another has put there since is not replaced either
    const planned = await plan(['c.csv'], { replace: false });
    await shop.store.put('drop/orders/c.csv', 'theirs');
    const { failed } = await copyDrop(shop, planned, false);
    expect(failed).toEqual([{ file: 'c.csv', why: 'drop/orders/c.csv has come to stand there meanwhile' }]);
    expect(await getText(shop.store, 'drop/orders/c.csv')).toBe('theirs');
  });

  it('shows with --dry-run what it would do, and does nothing', async () => {
    await files('day=1/a.csv', 'day=1/_SUCCESS', 'day=1/.a.csv.crc', 'b.csv');
    await drop(['b.csv']);
    await files('b.csv');
    await writeFile('b.csv', HEAD);
    const { code, stdout } = await nightjar(
      ['drop', 'day=1', 'b.csv', '--source', 'orders', '--dry-run'],
      home,
    );
    expect(code).toBe(0);
    expect(stdout).toBe(
      'new        drop/orders/day=1/a.csv\nreplaced   drop/orders/b.csv\n' +
        '2 would be dropped, 1 of them in place of what stood there, 2 ignored by name (day=1/_SUCCESS, day=1/.a.csv.crc)\n',
    );
    expect(await standing()).toEqual(['orders/b.csv']);
    const json = await nightjar(['drop', 'day=1', '--source', 'orders', '--json'], home);
    expect(JSON.parse(json.stdout)).toEqual({
      keys: ['drop/orders/day=1/a.csv'],
      files: [{ file: 'day=1/a.csv', key: 'drop/orders/day=1/a.csv', bytes: 27, state: 'new' }],
      ignored: ['day=1/_SUCCESS', 'day=1/.a.csv.crc'],
      notes: [],
      failed: [],
    });
  });

  it('notes where one file may have come to have two keys', async () => {
    await files('exports/a.csv');
    await drop([join(home, 'exports/a.csv')]);
    expect((await plan(['exports/a.csv'])).notes).toEqual([
      expect.stringContaining(
        'drop/orders/a.csv is there as well; if this is a newer export of it, its rows count twice',
      ),
    ]);
    expect((await plan(['exports/a.csv'], { base: home })).notes).toEqual([]);
    await drop(['exports/a.csv'], { base: home });
    await rm(join(shop.root, 'drop/orders/a.csv'));
    expect((await plan([join(home, 'exports/a.csv')])).notes).toHaveLength(1);
  });

  it('copies the bytes that links lead to, and nothing else of a file', async () => {
    await files('real/a.csv');
    await symlink('real', 'by-link');
    await symlink('real/a.csv', 'link.csv');
    chmodSync('real/a.csv', 0o750);
    await drop(['by-link', 'link.csv']);
    expect(await standing()).toEqual(['orders/by-link/a.csv', 'orders/link.csv']);
    const copied = await stat(join(shop.root, 'drop/orders/link.csv'));
    expect([copied.isSymbolicLink(), copied.mode & 0o111]).toEqual([false, 0]);
    expect(await readFile(join(shop.root, 'drop/orders/by-link/a.csv'), 'utf8')).toContain('real/a.csv');
  });

  it('leaves nothing half of a file that grows or goes while it is copied, and copies the others', async () => {
    // given: files that change between the look and the copy, and one that grows in the middle of it
    await files('a.csv', 'gone.csv', 'z.csv');
    await writeFile('grows.csv', HEAD.repeat(500_000));
    const planned = await plan(['a.csv', 'gone.csv', 'grows.csv', 'z.csv']);
    await rm('gone.csv');
    const growing: Workspace = {
      ...shop,
      store: {
        ...shop.store,
        put: (key, body, options) =>
          shop.store.put(key, key.endsWith('grows.csv') ? meanwhile(body) : body, options),
      },
    };
    async function* meanwhile(body: Parameters<typeof shop.store.put>[1]) {
      let pieces = 0;
      for await (const piece of body as AsyncIterable<Uint8Array>) {
        if (pieces++ === 2) appendFileSync('grows.csv', 'more');
        yield piece;
      }
    }
    // when
    const { copied, failed } = await copyDrop(growing, planned, true);
    // then
    expect(copied.map(({ file }) => file)).toEqual(['a.csv', 'z.csv']);
    expect(failed.map(({ file, why }) => [file, why.replace(home, '')])).toEqual([
      ['gone.csv', expect.stringMatching(/gone\.csv is gone: /)],
      ['grows.csv', expect.stringMatching(/grows\.csv is being written by another program: /)],
    ]);
    expect((await standing()).map((key) => basename(key))).toEqual(['a.csv', 'z.csv']);
  });
});
