import { openFolderStore } from '../../../lib/runtime/index.ts';
import { contentOf } from './content.ts';

/** Writes objects of some megabytes in every way there is, without end, and prints a line a piece; to be killed. */

const [root = '', seed = '1'] = process.argv.slice(2);
const store = await openFolderStore(root);
const PIECE = 1 << 18;

async function* told(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += PIECE) {
    process.stdout.write(`piece\n`);
    yield bytes.subarray(start, start + PIECE);
  }
}

for (let i = 0; ; i++) {
  const size = 1 + ((Number(seed) * 7919 + i * 104_729) % 3_000_000);
  const replaced = `big/${i % 3}`;
  await store.put(replaced, told(contentOf(replaced, size)));
  const fresh = `new/${seed}/${i}`;
  await store.put(fresh, told(contentOf(fresh, size)), { ifAbsent: true });
  const standing = await store.head('swapped');
  const condition = standing ? { ifMatch: standing.etag } : { ifAbsent: true };
  await store.put('swapped', told(contentOf('swapped', size)), condition);
  await store.delete(`new/${seed}/${i - 2}`);
}
