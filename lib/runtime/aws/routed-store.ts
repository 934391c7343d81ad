import { StoreError } from '../errors.ts';
import { checkKey, checkPrefix, compareKeys } from '../keys.ts';
import type { ListOptions, ObjectInfo, ObjectStore } from '../types.ts';

export interface Route {
  /** Beginning of the keys, which stay whole in the store behind it. */
  readonly prefix: string;
  readonly store: ObjectStore;
}

/**
 * Several stores as one: a key belongs to the route with the longest prefix that it starts with. What a store holds
 * under keys that belong to another one's route is not seen.
 * @throws StoreError when two routes have the same prefix
 */
export function routedStore(routes: readonly Route[]): ObjectStore {
  const longestFirst = [...routes].sort((a, b) => b.prefix.length - a.prefix.length);
  const prefixes = new Set(routes.map(({ prefix }) => prefix));
  if (prefixes.size < routes.length) {
    throw new StoreError(`of ${routes.length} routes some have the same prefix: give each its own`);
  }
  const routeOf = (text: string) => longestFirst.find(({ prefix }) => text.startsWith(prefix));
  const storeOf = (key: string): ObjectStore => {
    checkKey(key);
    const route = routeOf(key);
    if (route) return route.store;
    throw new StoreError(`no store is meant for ${key}: expected a key below ${[...prefixes].join(', ')}`);
  };
  return {
    get: async (key, options) => storeOf(key).get(key, options),
    head: async (key) => storeOf(key).head(key),
    put: async (key, body, options) => storeOf(key).put(key, body, options),
    delete: async (key) => storeOf(key).delete(key),
    async *list(prefix, options) {
      checkPrefix(prefix);
      const above = routeOf(prefix);
      const below = longestFirst.filter((route) => route !== above && route.prefix.startsWith(prefix));
      yield* merged([
        ...(above ? [owned(above, prefix, options)] : []),
        ...below.map((route) => owned(route, route.prefix, options)),
      ]);
    },
  };

  async function* owned(route: Route, prefix: string, options?: ListOptions): AsyncGenerator<ObjectInfo> {
    const { onOther, ...rest } = options ?? {};
    const own: ListOptions = onOther
      ? { ...rest, onOther: (entry) => routeOf(entry.key) === route && onOther(entry) }
      : rest;
    for await (const info of route.store.list(prefix, own)) if (routeOf(info.key) === route) yield info;
  }
}

/** Lists in ascending order of keys as one such list. */
async function* merged(lists: readonly AsyncGenerator<ObjectInfo>[]): AsyncGenerator<ObjectInfo> {
  const heads: { info: ObjectInfo; list: AsyncGenerator<ObjectInfo> }[] = [];
  const advance = async (list: AsyncGenerator<ObjectInfo>) => {
    const { done, value } = await list.next();
    if (!done) heads.push({ info: value, list });
  };
  try {
    for (const list of lists) await advance(list);
    for (;;) {
      heads.sort((a, b) => compareKeys(b.info.key, a.info.key));
      const least = heads.pop();
      if (!least) return;
      yield least.info;
      await advance(least.list);
    }
  } finally {
    for (const list of lists) await list.return(undefined);
  }
}
