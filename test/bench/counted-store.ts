import type { ObjectStore } from '../../lib/runtime/index.ts';

/** A store that counts what is asked of it, as a bucket would be. */
export function counted(store: ObjectStore): {
  store: ObjectStore;
  calls: { requests: number; bytesRead: number };
} {
  const calls = { requests: 0, bytesRead: 0 };
  const own: ObjectStore = {
    async get(key, options) {
      calls.requests++;
      const object = await store.get(key, options);
      calls.bytesRead += options?.range ? options.range.end - options.range.start : object.info.size;
      return object;
    },
    head(key) {
      calls.requests++;
      return store.head(key);
    },
    put(key, body, options) {
      calls.requests++;
      return store.put(key, body, options);
    },
    list(prefix) {
      calls.requests++;
      return store.list(prefix);
    },
    delete: (key) => store.delete(key),
  };
  return { store: own, calls };
}
