import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { getText, InvalidKey, ObjectNotFound, openFolderStore, StoreError } from '../../lib/runtime/index.ts';
import { objectStoreContract } from './object-store-contract.ts';
import { temporaryFolder } from './temp.ts';

objectStoreContract('folder store', async () => openFolderStore(await temporaryFolder(), { durable: false }));

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

describe('what a folder can not hold', () => {
  it('is refused with a reason, and nothing is changed', async () => {
    const store = await openFolderStore(await temporaryFolder());
    await store.put('a/b', 'x');
    for (const options of [{}, { ifAbsent: true }]) {
      await expect(store.put('a', 'y', options)).rejects.toThrow(
        /^a can not be .* there are objects below it/,
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
    await expect(store.put('k', 'x')).rejects.toThrow(/the store's folder is gone/);
    await expect(store.delete('k')).rejects.toThrow(StoreError);
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
