import { describe, expect, it } from 'vitest';
import { routedStore } from '../../../lib/runtime/aws/index.ts';
import {
  getText,
  InvalidKey,
  type ObjectStore,
  openFolderStore,
  StoreError,
} from '../../../lib/runtime/index.ts';
import { objectStoreContract } from '../object-store-contract.ts';
import { keys } from '../object-store-model.ts';
import { temporaryFolder } from '../temp.ts';

const folder = async () => openFolderStore(await temporaryFolder(), { durable: false });

objectStoreContract('routed store', async () =>
  routedStore([
    { prefix: 'a', store: await folder() },
    { prefix: 'b/', store: await folder() },
    { prefix: '', store: await folder() },
    { prefix: 'b/c', store: await folder() },
    { prefix: 'é', store: await folder() },
  ]),
);

describe('routes', () => {
  async function open() {
    const stores = { drops: await folder(), data: await folder(), exports: await folder() };
    const store = routedStore([
      { prefix: 'drop/', store: stores.drops },
      { prefix: 'exports/', store: stores.exports },
      { prefix: '', store: stores.data },
    ]);
    return { store, ...stores };
  }

  it('lead whole keys to their store', async () => {
    const { store, drops, data, exports } = await open();
    for (const key of ['drop/a', 'exports/b', 'clean/c', 'dropped']) await store.put(key, `at ${key}`);
    expect(await keys(drops, '')).toEqual(['drop/a']);
    expect(await keys(exports, '')).toEqual(['exports/b']);
    expect(await keys(data, '')).toEqual(['clean/c', 'dropped']);
    expect(await getText(store, 'drop/a')).toBe('at drop/a');
    await store.delete('drop/a');
    expect(await keys(drops, '')).toEqual([]);
  });

  it('show no object of a store that belongs elsewhere', async () => {
    const { store, drops, data } = await open();
    await data.put('drop/stray', 'x');
    await drops.put('clean/stray', 'x');
    await store.put('drop/a', 'x');
    await store.put('eval', 'x');
    expect(await keys(store, '')).toEqual(['drop/a', 'eval']);
    expect(await keys(store, 'drop/')).toEqual(['drop/a']);
    expect(await keys(store, 'd')).toEqual(['drop/a']);
    expect(await keys(store, 'clean/')).toEqual([]);
    expect(await store.head('drop/stray')).toBeUndefined();
  });

  it('ask only the stores that can hold the prefix', async () => {
    const { drops } = await open();
    const store = routedStore([
      { prefix: 'drop/', store: drops },
      { prefix: '', store: unwilling() },
    ]);
    await store.put('drop/a', 'x');
    expect(await keys(store, 'drop/')).toEqual(['drop/a']);
    await expect(keys(store, 'dr')).rejects.toThrow('asked for its list');
  });

  it('end the lists of all stores when the reader stops', async () => {
    const ended: string[] = [];
    const endless = (name: string, prefix: string): ObjectStore => ({
      ...unwilling(),
      async *list() {
        try {
          for (let i = 0; ; i++) yield { key: `${prefix}${i}`, size: 0, etag: '', lastModified: new Date(0) };
        } finally {
          ended.push(name);
        }
      },
    });
    const store = routedStore([
      { prefix: 'a', store: endless('first', 'a') },
      { prefix: '', store: endless('second', 'b') },
    ]);
    for await (const { key } of store.list('')) if (key === 'a3') break;
    expect(ended.sort()).toEqual(['first', 'second']);
  });

  it('must lead somewhere, and not to two places', async () => {
    const store = routedStore([{ prefix: 'drop/', store: await folder() }]);
    await expect(store.put('clean/a', 'x')).rejects.toThrow(
      /no store is meant for clean\/a: expected .*drop\//,
    );
    await expect(store.get('drop/../a')).rejects.toThrow(InvalidKey);
    expect(await keys(store, '')).toEqual([]);
    const twice = [
      { prefix: 'a', store },
      { prefix: 'a', store },
    ];
    expect(() => routedStore(twice)).toThrow(StoreError);
  });
});

/** A store that must not be asked. */
function unwilling(): ObjectStore {
  const refuse = () => Promise.reject(new StoreError('asked for an object'));
  return {
    get: refuse,
    head: refuse,
    put: refuse,
    delete: refuse,
    // biome-ignore lint/correctness/useYield: it never gives anything
    async *list() {
      throw new StoreError('asked for its list');
    },
  };
}
