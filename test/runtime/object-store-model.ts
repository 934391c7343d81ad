import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys, getText, type ObjectStore } from '../../lib/runtime/index.ts';

/** Random operations on a store and on a map give the same, whatever their order. */
export function objectStoreModel(name: string, makeStore: () => Promise<ObjectStore>, numRuns = 60): void {
  describe(`${name}: against a map`, () => {
    it('does what a map in memory does, in any order of operations', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (operations) => {
          const store = await makeStore();
          const model = new Map<string, string>();
          for (const op of operations) await applyBoth(store, model, op);
          const expected = [...model.keys()].sort(compareKeys);
          expect(await keys(store, '')).toEqual(expected);
          for (const key of expected) expect(await getText(store, key)).toBe(model.get(key));
        }),
        { seed: 20110910, numRuns },
      );
    });
  });
}

/** Keys of which none lies below another: a folder cannot hold both. */
const modelKey = fc.constantFrom('a/x', 'a/y/z', 'a-b', 'a.b', 'ab', 'b/x', 'b/x0', 'b/y', 'é', '😀/1');
const modelBody = fc.string({ maxLength: 3 });
const operation = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), key: modelKey, body: modelBody }),
  fc.record({ kind: fc.constant('putIfAbsent' as const), key: modelKey, body: modelBody }),
  fc.record({
    kind: fc.constant('putIfMatch' as const),
    key: modelKey,
    body: modelBody,
    current: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('delete' as const), key: modelKey }),
  fc.record({
    kind: fc.constant('list' as const),
    prefix: fc.constantFrom('', 'a', 'a/', 'a/y', 'b/x', '😀'),
    startAfter: fc.option(
      fc.constantFrom('a', 'a-b', 'a/', 'a/x', 'a/y', 'a/y/z', 'a0', 'b/x', 'b/x0/k', 'é', '😀/0'),
      {
        nil: undefined,
      },
    ),
  }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function applyBoth(store: ObjectStore, model: Map<string, string>, op: Operation): Promise<void> {
  if (op.kind === 'list') {
    const expected = [...model.keys()]
      .filter((key) => key.startsWith(op.prefix) && (!op.startAfter || compareKeys(key, op.startAfter) > 0))
      .sort(compareKeys);
    expect(await keys(store, op.prefix, op.startAfter)).toEqual(expected);
  } else if (op.kind === 'delete') {
    await store.delete(op.key);
    model.delete(op.key);
  } else {
    const standing = await store.head(op.key);
    expect(standing !== undefined).toBe(model.has(op.key));
    const etag = op.kind === 'putIfMatch' && op.current ? (standing?.etag ?? 'none') : 'outdated';
    const options =
      op.kind === 'putIfAbsent' ? { ifAbsent: true } : op.kind === 'putIfMatch' ? { ifMatch: etag } : {};
    const holds =
      op.kind === 'put' || (op.kind === 'putIfAbsent' ? !standing : standing !== undefined && op.current);
    const result = await store.put(op.key, op.body, options);
    expect(result.written).toBe(holds);
    if (holds) model.set(op.key, op.body);
  }
}

/** All keys with the prefix behind a key, as listed. */
export async function keys(store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list(prefix, startAfter === undefined ? {} : { startAfter }))
    found.push(key);
  return found;
}
