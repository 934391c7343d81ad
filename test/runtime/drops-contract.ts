import { describe, expect, it } from 'vitest';
import { type CleanResult, cleanDrop, cleanKeys } from '../../lib/clean/index.ts';
import { digestOf, dropId, sha256 } from '../../lib/data/index.ts';
import { buildDays } from '../../lib/features/index.ts';
import { listDrops } from '../../lib/run/index.ts';
import { getBytes, type ObjectStore } from '../../lib/runtime/index.ts';
import { emptyStore, events, pseudonyms, shopOf } from '../clean/shop.ts';
import { keys } from './object-store-model.ts';

/** A store into which a shop puts files by programs of its own. */
export interface ShopPlace {
  readonly store: ObjectStore;
  /** By one request, and by every other way that the place knows. */
  readonly puts: readonly ((key: string, bytes: Uint8Array) => Promise<unknown>)[];
}

const KEY = 'drop/shop/day.csv';
const FILE = Buffer.from(
  'user,time,type,item,quantity,price\nu,2011-05-01,view,a,1,1\nv,2011-05-02,view,b,1,1\n',
);
const OTHER = Buffer.from(FILE.toString().replace('view,b', 'view,c'));
/** Refused after its first bytes, with many to follow. */
const NO_DATA = Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(3 << 20, 'x')]);
const config = shopOf(events);

/** What every store promises about drops: bytes that are put again, in whatever way, are the same revision. */
export function dropsContract(name: string, openPlace: () => Promise<ShopPlace>): void {
  const clean = (store: ObjectStore, key = KEY): Promise<CleanResult> =>
    cleanDrop({ store, config, pseudonyms, key, engine: { threads: 1 } });

  /** As the queues bring every drop to its end. */
  async function through(store: ObjectStore, key = KEY): Promise<string> {
    const { status } = await clean(store, key);
    for (const drop of await listDrops(store, config)) {
      if (drop.state === 'pending' && drop.clean) await buildDays({ store, config, cleanKey: drop.clean });
    }
    return status;
  }

  const states = async (store: ObjectStore) =>
    (await listDrops(store, config)).map((drop) => [
      drop.state,
      drop.state === 'pending' ? '' : drop.quality.revision,
    ]);

  const made = async (store: ObjectStore) =>
    (await keys(store, '')).filter((key) => !key.startsWith('drop/') && !key.startsWith('digests/'));

  describe(`${name}: drops`, () => {
    it('are named by their bytes, in every store alike', async () => {
      // given
      const { store, puts } = await openPlace();
      await puts[0]!(KEY, FILE);
      // when
      expect(await through(store)).toBe('clean');
      // then: the names can be told without any store
      const expected = cleanKeys(config, KEY, digestOf(sha256(FILE)));
      expect(await states(store)).toEqual([['done', expected.revision]]);
      expect(await made(store)).toEqual([
        expected.clean,
        expect.stringMatching(new RegExp(`^days/\\w+/${dropId(KEY)}/${expected.revision}.arrow$`)),
        expected.quality,
      ]);
      // and: what stands there is what a folder of one's own would hold
      const own = await emptyStore();
      await own.put(KEY, FILE);
      await through(own);
      for (const key of [expected.clean!, (await made(store))[1]!]) {
        expect(await getBytes(store, key)).toEqual(await getBytes(own, key));
      }
    });

    it('put again with the same bytes are done: nothing is cleaned or written again', async () => {
      // given
      const { store, puts } = await openPlace();
      await puts[0]!(KEY, FILE);
      await through(store);
      const [before, objects] = [await states(store), await made(store)];
      const version = (await store.head(objects.at(-1)!))!;
      for (const put of [...puts, ...puts]) {
        // when
        await put(KEY, FILE);
        // then
        expect(await through(store)).toBe('done');
        expect(await states(store)).toEqual(before);
        expect(await made(store)).toEqual(objects);
      }
      expect(await store.head(objects.at(-1)!)).toEqual(version);
      // and: other bytes are another revision, the first ones the first
      await puts[0]!(KEY, OTHER);
      expect(await states(store)).toEqual([['pending', '']]);
      expect(await through(store)).toBe('clean');
      expect(await states(store)).not.toEqual(before);
      await puts.at(-1)!(KEY, FILE);
      expect(await through(store)).toBe('done');
      expect(await states(store)).toEqual(before);
    });

    it('that are refused are named by all of their bytes too, though the first ones were enough', async () => {
      const { store, puts } = await openPlace();
      await puts[0]!(KEY, NO_DATA);
      expect(await through(store)).toBe('refused');
      const { revision } = cleanKeys(config, KEY, digestOf(sha256(NO_DATA)));
      expect(await states(store)).toEqual([['refused', revision]]);
      for (const put of puts) {
        await put(KEY, NO_DATA);
        expect(await through(store)).toBe('done');
      }
      await puts[0]!(KEY, Buffer.concat([NO_DATA, Buffer.from('!')]));
      expect(await states(store)).toEqual([['pending', '']]);
    });

    it('of no source are refused without a look at their bytes', async () => {
      const { store, puts } = await openPlace();
      const key = 'drop/elsewhere/x.csv';
      for (const put of puts) {
        await put(key, FILE);
        await through(store, key);
        expect((await states(store)).map(([state]) => state)).toEqual(['refused']);
        expect(await through(store, key)).toBe('done');
      }
    });

    it('that are replaced while they are read are named by the bytes that were read', async () => {
      // given
      const { store, puts } = await openPlace();
      await puts[0]!(KEY, FILE);
      const replacing: ObjectStore = {
        head: (key) => store.head(key),
        put: (key, body, options) => store.put(key, body, options),
        list: (prefix, options) => store.list(prefix, options),
        delete: (key) => store.delete(key),
        get: async (key, options) => {
          const object = await store.get(key, options);
          await puts.at(-1)!(KEY, OTHER);
          return object;
        },
      };
      // when
      const result = await clean(replacing);
      // then
      const { revision } = cleanKeys(config, KEY, digestOf(sha256(FILE)));
      expect(result).toMatchObject({ status: 'clean', keys: { revision } });
      expect(await states(store)).toEqual([['pending', '']]);
    });
  });
}
