import { createPseudonyms, decodeArrow } from '../../lib/data/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';

/** The key of tests. */
export const pseudonyms = createPseudonyms(new Uint8Array(64).fill(7));

/** What stands under a key, undefined where nothing does. */
export async function bytesOf(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  return (await store.head(key)) ? (await store.get(key)).bytes() : undefined;
}

/** The rows of an Arrow file as plain values. */
export function rowsOf(arrow: Uint8Array): Record<string, unknown>[] {
  return decodeArrow(arrow).batches.flatMap((batch) =>
    Array.from({ length: batch.numRows }, (_, row) =>
      Object.fromEntries(
        batch.schema.fields.map(({ name }, column) => [name, batch.getChildAt(column)?.get(row)]),
      ),
    ),
  );
}
