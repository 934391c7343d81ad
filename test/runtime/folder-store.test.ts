import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  getText,
  InvalidKey,
  ObjectNotFound,
  type ObjectStore,
  type OtherEntry,
  openFolderStore,
  StoreError,
  SystemError,
} from '../../lib/runtime/index.ts';
import { dropsContract } from './drops-contract.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { HAS_OTHER_USER, OTHER_USER } from './other-user.ts';
import { temporaryFolder } from './temp.ts';

objectStoreContract('folder store', async () => openFolderStore(await temporaryFolder(), { durable: false }));

dropsContract('folder store', async () => {
  const root = await temporaryFolder();
  const store = await openFolderStore(root, { durable: false });
  const byHand = async (key: string, bytes: Uint8Array) => {
    await mkdir(dirname(join(root, key)), { recursive: true });
    await writeFile(join(root, key), bytes);
  };
  return { store, puts: [(key, bytes) => store.put(key, bytes), byHand] };
});

async function listAll(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** What a user without rights is told of the drops in a folder. */
function listedByOther(root: string): { listed: string[]; others: string[][] } {
  const lister = fileURLToPath(new URL('./children/lister.ts', import.meta.url));
  const args = ['--import', import.meta.resolve('tsx'), lister, root];
  return JSON.parse(execFileSync(process.execPath, args, { ...OTHER_USER, encoding: 'utf8' }));
}

/** No process has this id: it is above the highest that Linux and macOS give. */
const DEAD_PID = 99_999_999;

describe('files put in by hand', () => {
  it('are objects, with an etag that follows their bytes', async () => {
    // given
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    const path = join(root, 'drop/shop/day.csv');
    await mkdir(join(root, 'drop/shop'), { recursive: true });
    await writeFile(path, 'a,b\n1,2\n');
    const before = await store.head('drop/shop/day.csv');
    const times = await stat(path);
    // when other bytes of the same length are written and the time is set back
    await writeFile(path, 'a,b\n1,3\n');
    await utimes(path, times.atime, times.mtime);
    const after = await store.head('drop/shop/day.csv');
    // then
    expect(await getText(store, 'drop/shop/day.csv')).toBe('a,b\n1,3\n');
    expect(after?.etag).not.toBe(before?.etag);
    expect(after?.size).toBe(before?.size);
  });

  it('have the etag that the same bytes have when put', async () => {
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    await writeFile(join(root, 'by-hand'), 'same');
    const put = await store.put('by-store', 'same');
    expect(put).toEqual({ written: true, etag: (await store.head('by-hand'))?.etag });
  });

  it('are seen through links; hidden files, dangling links and empty folders are not there', async () => {
    const root = await temporaryFolder();
    const elsewhere = await temporaryFolder();
    const store = await openFolderStore(root);
    await writeFile(join(elsewhere, 'f.csv'), 'linked');
    await symlink(elsewhere, join(root, 'linked'));
    await symlink(join(root, 'nowhere'), join(root, 'dangling'));
    await mkdir(join(root, 'empty/below'), { recursive: true });
    await writeFile(join(root, '.DS_Store'), 'x');
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['linked/f.csv']);
    await expect(store.get('dangling')).rejects.toThrow(ObjectNotFound);
    await expect(store.get('empty')).rejects.toThrow(ObjectNotFound);
  });

  it('whose names can be no key are told, not left out', async () => {
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    const list = async () => {
      for await (const _ of store.list('drop/'));
    };
    await mkdir(join(root, 'drop'));
    await writeFile(join(root, 'drop/back\\slash.csv'), 'x');
    await expect(list()).rejects.toThrow(InvalidKey);
    await rename(join(root, 'drop/back\\slash.csv'), join(root, 'drop/ok.csv'));
    await list();
    const latin1 = Buffer.concat([Buffer.from(join(root, 'drop/caf')), Buffer.from([0xe9])]);
    await writeFile(latin1, 'x');
    await expect(list()).rejects.toThrow(/not in UTF-8, rename the file/);
  });

  it('that are no readable objects, of whatever kind, are told one by one; the others are listed', async () => {
    // given: every kind of entry that is no object, among good files
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    const at = (path: string) => join(root, 'drop/s', path);
    await mkdir(at('deep/er'), { recursive: true });
    for (const name of ['good.csv', 'deep/er/good.csv', 'zoë.csv']) await writeFile(at(name), 'x');
    await writeFile(at('back\\slash'), 'x');
    await writeFile(at('line\nend'), 'x');
    await writeFile(Buffer.concat([Buffer.from(at('caf')), Buffer.from([0xe9])]), 'x');
    await symlink(at('nowhere'), at('dangling'));
    await symlink(at('selfish'), at('selfish'));
    await symlink(at(''), at('deep/above'));
    await mkdir(at('left'));
    await mkdir(at('right'));
    await symlink(at('right'), at('left/over'));
    await symlink(at('left'), at('right/over'));
    await writeFile(at('right/seen.csv'), 'x');
    execFileSync('mkfifo', [at('pipe')]);
    await mkdir(at(`${'long/'.repeat(190)}`), { recursive: true });
    const deepest = at(`${'long/'.repeat(190)}${'n'.repeat(200)}`);
    await writeFile(deepest, 'x');
    const server = createServer().listen(at('socket'));
    await once(server, 'listening');
    await mkdir(at('.git/objects'), { recursive: true });
    for (const name of ['.DS_Store', '.git/config', '.git/objects/a']) await writeFile(at(name), 'x');
    // when
    const others: OtherEntry[] = [];
    const listed: string[] = [];
    for await (const { key } of store.list('drop/', { onOther: (entry) => others.push(entry) }))
      listed.push(key);
    server.close();
    // then: loops of links end where they lead back
    expect(listed).toEqual([
      ...['drop/s/deep/er/good.csv', 'drop/s/good.csv', 'drop/s/left/over/seen.csv'],
      ...['drop/s/right/seen.csv', 'drop/s/zoë.csv'],
    ]);
    const told = (kind: OtherEntry['kind']) =>
      others.filter((entry) => entry.kind === kind).map(({ key }) => key.slice('drop/s/'.length));
    expect(told('hidden').sort()).toEqual(['.DS_Store', '.git/config', '.git/objects/a']);
    const unusable = told('unusable').sort();
    expect(unusable.filter((key) => !key.startsWith('long'))).toEqual([
      ...['back\\slash', 'caf\u{fffd}', 'dangling', 'deep/above', 'left/over/over', 'line\nend'],
      ...['pipe', 'right/over/over', 'selfish', 'socket'],
    ]);
    expect(unusable.filter((key) => key.startsWith('long'))).toHaveLength(1);
    for (const { reason, hint } of others) expect(reason && hint).toBeTruthy();
    // and: told to nobody, what holds data is not left out silently
    await expect(listAll(store, 'drop/')).rejects.toThrow(InvalidKey);
  });

  it.skipIf(!HAS_OTHER_USER)('that this user may not read are told, files and folders alike', async () => {
    const root = await temporaryFolder();
    await mkdir(join(root, 'drop/closed'), { recursive: true });
    await mkdir(join(root, 'drop/open'));
    for (const name of ['closed/a', 'open/a', 'open/secret']) await writeFile(join(root, 'drop', name), 'x');
    await chmod(join(root, 'drop/closed'), 0o600);
    await chmod(join(root, 'drop/open/secret'), 0o000);
    await chmod(root, 0o777);
    // when another user looks
    const { listed, others } = listedByOther(root);
    // then
    expect(listed).toEqual(['drop/open/a']);
    expect(others).toEqual([
      ['drop/closed/', 'unusable', 'drop/closed/ cannot be read: this user may not read it'],
      ['drop/open/secret', 'unusable', 'drop/open/secret cannot be read: this user may not read it'],
    ]);
  });

  it('are not the only ones who make folders: empty ones keep no object from its name', async () => {
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    await mkdir(join(root, 'a/b/c'), { recursive: true });
    expect((await store.put('a', 'x', { ifAbsent: true })).written).toBe(true);
    await mkdir(join(root, 'b/c'), { recursive: true });
    expect((await store.put('b', 'y')).written).toBe(true);
    expect(await getText(store, 'a')).toBe('x');
    expect(await getText(store, 'b')).toBe('y');
  });
});

describe('what a folder cannot hold', () => {
  it('is refused with a reason, and nothing is changed', async () => {
    const store = await openFolderStore(await temporaryFolder());
    await store.put('a/b', 'x');
    for (const options of [{}, { ifAbsent: true }]) {
      await expect(store.put('a', 'y', options)).rejects.toThrow(
        /^a cannot be .* there are objects below it/,
      );
      await expect(store.put('a/b/c', 'y', options)).rejects.toThrow(/a part of its path is an object/);
    }
    await store.delete('a');
    expect(await getText(store, 'a/b')).toBe('x');
  });
});

describe('the hidden folder', () => {
  it('is empty when nothing is being written', async () => {
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    await store.put('a', 'x');
    await store.put('a', 'y', { ifAbsent: true });
    await store.put('a', 'y', { ifMatch: 'other' });
    await store.delete('a');
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
  });

  it('is swept of what dead writers left, and of that alone', async () => {
    // given leftovers of a dead writer, one long abandoned, and one of a living writer
    const root = await temporaryFolder();
    const hidden = join(root, '.tmp');
    await mkdir(join(hidden, 'lock-dead'), { recursive: true });
    await writeFile(join(hidden, `lock-dead/${DEAD_PID}-00`), '');
    await writeFile(join(hidden, `${DEAD_PID}-01`), 'half');
    await mkdir(join(hidden, `${DEAD_PID}-02.lock`));
    await writeFile(join(hidden, `${process.pid}-03`), 'being written');
    await writeFile(join(hidden, `${process.pid}-04`), 'abandoned');
    await utimes(join(hidden, `${process.pid}-04`), 1_000_000, 1_000_000);
    // when
    await openFolderStore(root);
    // then
    expect(await readdir(hidden)).toEqual([`${process.pid}-03`]);
  });

  it('holds no lock of a dead writer up', async () => {
    // given a store, and then the lock of a key left by a writer that died
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    const lock = lockNameOf('k');
    await mkdir(join(root, '.tmp', lock));
    await writeFile(join(root, '.tmp', lock, `${DEAD_PID}-00`), 'never published');
    // when
    const put = await store.put('k', 'mine');
    // then
    expect(put.written).toBe(true);
    expect(await getText(store, 'k')).toBe('mine');
    expect(await readdir(join(root, '.tmp'))).toEqual([]);
  });

  it('can lose a lock to a breaker without losing a write', async () => {
    // given a writer that is long in its critical section: it must hash the object again, whose change time moved
    const root = await temporaryFolder();
    const store = await openFolderStore(root, { durable: false });
    await store.put('k', Buffer.alloc(64 << 20, 1));
    const { etag = '' } = (await store.head('k')) ?? {};
    const lock = join(root, '.tmp', lockNameOf('k'));
    await utimes(join(root, 'k'), 1_000_000, 1_000_000);
    const swap = store.put('k', 'swapped', { ifMatch: etag });
    // when the lock is snatched as often as it appears, a few times
    let snatched = 0;
    const settled = swap.then(() => true);
    while (snatched < 3 && !(await Promise.race([settled, tick()]))) {
      const away = await mkdtemp(join(root, '.tmp', 'away-'));
      if (
        await rename(lock, join(away, 'x')).then(
          () => true,
          () => false,
        )
      )
        snatched++;
    }
    // then
    expect(snatched).toBeGreaterThan(0);
    expect((await swap).written).toBe(true);
    expect(await getText(store, 'k')).toBe('swapped');
  });
});

describe('a store whose folder is removed', () => {
  it('says so', async () => {
    const root = await temporaryFolder();
    const store = await openFolderStore(root);
    await rm(root, { recursive: true });
    await expect(store.put('k', 'x')).rejects.toThrow(/the bucket .* is not there/);
    await expect(store.delete('k')).rejects.toThrow(SystemError);
    await expect(store.get('k')).rejects.toThrow(ObjectNotFound);
  });
});

describe('a large object', () => {
  it('can be read once a get', async () => {
    const store = await openFolderStore(await temporaryFolder(), { durable: false });
    await store.put('k', Buffer.alloc(2 << 20, 1));
    const object = await store.get('k');
    expect((await object.bytes()).length).toBe(2 << 20);
    await expect(object.bytes()).rejects.toThrow(StoreError);
  });
});

/** The name under which a store locks a key. */
function lockNameOf(key: string): string {
  return `lock-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}

function tick(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)));
}
