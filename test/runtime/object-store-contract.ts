import { describe, expect, it } from 'vitest';
import {
  byteSource,
  compareKeys,
  getText,
  InvalidKey,
  InvalidRange,
  ObjectNotFound,
  type ObjectStore,
  PreconditionFailed,
  putJson,
  readJson,
  StoreError,
} from '../../lib/runtime/index.ts';
import { keys, objectStoreModel } from './object-store-model.ts';

/** What every store promises, whatever stands behind it. `makeStore` gives an empty one. */
export function objectStoreContract(name: string, makeStore: () => Promise<ObjectStore>): void {
  describe(`${name}: objects`, () => {
    it('gives back what was put, with size, etag and time', async () => {
      // given
      const store = await makeStore();
      // when
      const put = await store.put('a/b.txt', 'grüße');
      const object = await store.get('a/b.txt');
      // then
      expect(Buffer.from(await object.bytes()).toString()).toBe('grüße');
      expect(object.info).toMatchObject({ key: 'a/b.txt', size: 7 });
      expect(put).toEqual({ written: true, etag: object.info.etag });
      expect(await store.head('a/b.txt')).toEqual(object.info);
      expect(object.info.lastModified.getTime()).not.toBeNaN();
    });

    it('takes bodies as text, bytes and streams, empty ones too', async () => {
      const store = await makeStore();
      for (const body of [
        new Uint8Array([1, 2, 3]),
        new Uint8Array(0),
        '',
        piecesOf(3, 700_000),
        piecesOf(0, 1),
      ]) {
        const expected = await collect(body);
        const again = body instanceof Uint8Array || typeof body === 'string' ? body : piecesOf(3, 700_000);
        await store.put('k', expected.length === 0 ? body : again);
        expect(Buffer.compare(await (await store.get('k')).bytes(), expected)).toBe(0);
        expect(Buffer.compare(await collect((await store.get('k')).body), expected)).toBe(0);
      }
    });

    it('says that an object is missing', async () => {
      const store = await makeStore();
      await store.put('there/is/one', 'x');
      for (const key of ['none', 'there/is', 'there', 'there/is/one/below']) {
        expect(await store.head(key)).toBeUndefined();
        await expect(store.get(key)).rejects.toThrow(ObjectNotFound);
      }
    });

    it('deletes, and does not mind deleting what is not there', async () => {
      const store = await makeStore();
      await store.put('a/b/c', 'x');
      await store.delete('a/b/c');
      await store.delete('a/b/c');
      await store.delete('never/was');
      expect(await store.head('a/b/c')).toBeUndefined();
      expect(await keys(store, '')).toEqual([]);
    });

    it('can put an object where a path of deleted objects led', async () => {
      const store = await makeStore();
      await store.put('a/b/c', 'x');
      await store.delete('a/b/c');
      expect(await store.put('a', 'y', { ifAbsent: true })).toMatchObject({ written: true });
      expect(await getText(store, 'a')).toBe('y');
    });

    it('refuses keys that could leave the store or mean something else elsewhere', async () => {
      const store = await makeStore();
      const bad = [
        '',
        '/',
        '/etc/passwd',
        '..',
        '../a',
        'a/../b',
        'a/..',
        './a',
        'a/./b',
        '.hidden',
        'a/.tmp/b',
        'a//b',
        'a/',
        'a\\b',
        'C:\\a',
        'a\u0000b',
        'a\nb',
        'a\u007fb',
        '\ud800',
        'x'.repeat(256),
        'ü'.repeat(128),
        `${'x/'.repeat(512)}x`,
      ];
      for (const key of bad) {
        await expect(store.put(key, 'x'), key).rejects.toThrow(InvalidKey);
        await expect(store.get(key), key).rejects.toThrow(/is no key: .*a key looks like/);
        await expect(store.head(key), key).rejects.toThrow(InvalidKey);
        await expect(store.delete(key), key).rejects.toThrow(InvalidKey);
      }
      for (const prefix of ['/', '../', 'a/../', 'a//', '.tmp/', 'a\\']) {
        await expect(keys(store, prefix), prefix).rejects.toThrow(InvalidKey);
      }
      expect(await keys(store, '')).toEqual([]);
    });

    it('keeps keys with odd but legal characters apart', async () => {
      const store = await makeStore();
      const odd = [
        'a b',
        'a+b',
        'a%20b',
        'a=b&c',
        "it's",
        'día',
        'dia',
        '日本/語',
        '😀',
        'x'.repeat(255),
        'a.b..c',
        '~',
      ];
      for (const key of odd) await store.put(key, `at ${key}`);
      for (const key of odd) expect(await getText(store, key)).toBe(`at ${key}`);
      expect(await keys(store, '')).toEqual([...odd].sort(compareKeys));
    });
  });

  describe(`${name}: ranges`, () => {
    it('reads ranges, cut at the end of the object as S3 does', async () => {
      const store = await makeStore();
      await store.put('k', '0123456789');
      const read = async (start: number, end: number) =>
        Buffer.from(await (await store.get('k', { range: { start, end } })).bytes()).toString();
      expect(await read(0, 10)).toBe('0123456789');
      expect(await read(3, 4)).toBe('3');
      expect(await read(8, 100)).toBe('89');
      expect((await store.get('k', { range: { start: 3, end: 4 } })).info.size).toBe(10);
    });

    it('refuses ranges that the object has not', async () => {
      const store = await makeStore();
      await store.put('k', '0123456789');
      await store.put('empty', '');
      for (const [start, end] of [
        [10, 11],
        [-1, 2],
        [3, 3],
        [4, 2],
        [0.5, 2],
        [Number.NaN, 2],
      ] as const) {
        await expect(store.get('k', { range: { start, end } })).rejects.toThrow(InvalidRange);
      }
      await expect(store.get('empty', { range: { start: 0, end: 1 } })).rejects.toThrow(/has 0 bytes/);
    });

    it('reads a range of one version or says that it is gone', async () => {
      const store = await makeStore();
      await store.put('k', 'old bytes');
      const source = await byteSource(store, 'k');
      expect(Buffer.from(await source.read(0, 3)).toString()).toBe('old');
      // when it is replaced between two reads
      await store.put('k', 'new bytes');
      // then
      await expect(source.read(4, 9)).rejects.toThrow(PreconditionFailed);
    });

    it('goes on reading the version it began with', async () => {
      const store = await makeStore();
      const old = Buffer.alloc(3_000_000, 'a');
      await store.put('k', old);
      const object = await store.get('k');
      await store.put('k', Buffer.alloc(3_000_000, 'b'));
      expect(Buffer.compare(await collect(object.body), old)).toBe(0);
      const ranged = await store.get('k', { range: { start: 10, end: 2_500_010 } });
      expect(Buffer.compare(await ranged.bytes(), Buffer.alloc(2_500_000, 'b'))).toBe(0);
    });
  });

  describe(`${name}: conditions`, () => {
    it('puts if absent once', async () => {
      const store = await makeStore();
      const first = await store.put('a/k', 'first', { ifAbsent: true });
      const second = await store.put('a/k', 'second', { ifAbsent: true });
      expect(first.written).toBe(true);
      expect(second).toEqual({ written: false });
      expect(await getText(store, 'a/k')).toBe('first');
    });

    it('puts over the etag that was read and no other', async () => {
      const store = await makeStore();
      const absent = await store.put('k', 'x', { ifMatch: 'anything' });
      expect(absent).toEqual({ written: false });
      const first = await store.put('k', 'one');
      if (!first.written) throw new Error('an unconditional put always writes');
      const second = await store.put('k', 'two', { ifMatch: first.etag });
      const outdated = await store.put('k', 'three', { ifMatch: first.etag });
      expect(second.written).toBe(true);
      expect(outdated).toEqual({ written: false });
      expect(await getText(store, 'k')).toBe('two');
    });

    it('has another etag for other bytes of the same length, at once', async () => {
      const store = await makeStore();
      const etags = new Set<string>();
      for (let i = 0; i < 20; i++) {
        await store.put('k', `v${i % 10}${i >= 10 ? 'b' : 'a'}`);
        etags.add((await store.head('k'))?.etag ?? '');
      }
      expect(etags.size).toBe(20);
    });

    it('refuses two conditions at once', async () => {
      const store = await makeStore();
      await expect(store.put('k', 'x', { ifAbsent: true, ifMatch: 'e' })).rejects.toThrow(StoreError);
    });

    it('gets only the etag asked for', async () => {
      const store = await makeStore();
      await store.put('k', 'one');
      const etag = (await store.head('k'))?.etag ?? '';
      expect((await store.get('k', { ifMatch: etag })).info.etag).toBe(etag);
      await store.put('k', 'two');
      await expect(store.get('k', { ifMatch: etag })).rejects.toThrow(PreconditionFailed);
    });

    it('lets exactly one of many writers win', async () => {
      const store = await makeStore();
      const writers = Array.from({ length: 12 }, (_, i) => `writer ${i}`);
      const created = await Promise.all(writers.map((who) => store.put('k', who, { ifAbsent: true })));
      expect(created.filter(({ written }) => written)).toHaveLength(1);
      const { etag = '' } = (await store.head('k')) ?? {};
      const swapped = await Promise.all(writers.map((who) => store.put('k', `${who}!`, { ifMatch: etag })));
      expect(swapped.filter(({ written }) => written)).toHaveLength(1);
      const winner = swapped.findIndex(({ written }) => written);
      expect(await getText(store, 'k')).toBe(`writer ${winner}!`);
    });

    it('leaves the old object when a body breaks off', async () => {
      const store = await makeStore();
      await store.put('k', 'old');
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        throw new StoreError('the source broke off');
      }
      await expect(store.put('k', broken())).rejects.toThrow('the source broke off');
      await expect(store.put('new', broken(), { ifAbsent: true })).rejects.toThrow('the source broke off');
      expect(await getText(store, 'k')).toBe('old');
      expect(await keys(store, '')).toEqual(['k']);
    });
  });

  describe(`${name}: lists`, () => {
    it('lists by the bytes of whole keys, not folder by folder', async () => {
      const store = await makeStore();
      const inOrder = ['a', 'b!', 'b-c', 'b.c', 'b/a', 'b/c/d', 'b/c0', 'b0', 'ba', 'é', '\ufb01', '😀'];
      for (const key of [...inOrder].reverse()) await store.put(key, key);
      expect(await keys(store, '')).toEqual(inOrder);
      expect(await keys(store, 'b')).toEqual(inOrder.filter((key) => key.startsWith('b')));
      expect(await keys(store, 'b/')).toEqual(['b/a', 'b/c/d', 'b/c0']);
      expect(await keys(store, 'b/c')).toEqual(['b/c/d', 'b/c0']);
      expect(await keys(store, 'b/c/d')).toEqual(['b/c/d']);
      expect(await keys(store, 'none/at/all')).toEqual([]);
    });

    it('tells of each object what head tells', async () => {
      const store = await makeStore();
      await store.put('a/1', 'one');
      await store.put('a/2', 'three');
      for await (const info of store.list('a/')) expect(info).toEqual(await store.head(info.key));
      expect(await keys(store, 'a/')).toHaveLength(2);
    });
  });

  describe(`${name}: small objects`, () => {
    it('writes equal values as equal bytes and reads them back', async () => {
      const store = await makeStore();
      await putJson(store, 'x.json', { b: [1, { d: null, c: 'é' }], a: 2 });
      const first = await getText(store, 'x.json');
      await putJson(store, 'x.json', { a: 2, b: [1, { c: 'é', d: null }] });
      expect(await getText(store, 'x.json')).toBe(first);
      expect(await readJson(store, 'x.json')).toEqual({ a: 2, b: [1, { c: 'é', d: null }] });
    });

    it('tells missing from damaged', async () => {
      const store = await makeStore();
      await store.put('half.json', '{"a":');
      await store.put('latin1.txt', new Uint8Array([0xe9, 0x20]));
      expect(await readJson(store, 'none.json')).toBeUndefined();
      expect(await getText(store, 'none.txt')).toBeUndefined();
      await expect(readJson(store, 'half.json')).rejects.toThrow(
        /half\.json is damaged .*not JSON.* delete it/,
      );
      await expect(getText(store, 'latin1.txt')).rejects.toThrow(
        /latin1\.txt is damaged .*not text in UTF-8/,
      );
      await expect(byteSource(store, 'none')).rejects.toThrow(ObjectNotFound);
    });

    it('reads an empty object as a source of no bytes', async () => {
      const store = await makeStore();
      await store.put('empty', '');
      const source = await byteSource(store, 'empty');
      expect(source.size).toBe(0);
      expect(await source.read(0, 0)).toEqual(new Uint8Array(0));
    });
  });

  objectStoreModel(name, makeStore);
}

async function* piecesOf(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield Buffer.alloc(size, i + 1);
}

async function collect(body: AsyncIterable<Uint8Array> | Uint8Array | string): Promise<Buffer> {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts);
}
