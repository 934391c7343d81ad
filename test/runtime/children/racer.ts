import { once } from 'node:events';
import { getText, openFolderStore } from '../../../lib/runtime/index.ts';

/** Races others of its kind, once told to go: for absent keys, and to increment one counter by compare-and-swap. */

const [root = '', who = '', keys = '0', increments = '0'] = process.argv.slice(2);
const store = await openFolderStore(root, { durable: false });
process.stdout.write('ready\n');
await once(process.stdin, 'data');

let won = 0;
for (let i = 0; i < Number(keys); i++) {
  if ((await store.put(`once/${i}`, who, { ifAbsent: true })).written) won++;
}
for (let done = 0; done < Number(increments); ) {
  const standing = await store.get('counter');
  const count = Number(Buffer.from(await standing.bytes()).toString());
  if ((await store.put('counter', String(count + 1), { ifMatch: standing.info.etag })).written) done++;
}
let mine = 0;
for (let i = 0; i < Number(keys); i++) if ((await getText(store, `once/${i}`)) === who) mine++;
process.stdout.write(`${JSON.stringify({ won, mine })}\n`);
process.exit(0);
