import { type OtherEntry, openFolderStore } from '../../../lib/runtime/index.ts';

/** Prints what a store tells of `drop/`, as JSON. */
const store = await openFolderStore(process.argv[2]!);
const others: OtherEntry[] = [];
const listed: string[] = [];
for await (const { key } of store.list('drop/', { onOther: (entry) => others.push(entry) })) listed.push(key);
const told = others.map(({ key, kind, reason }) => [key, kind, reason]);
console.log(JSON.stringify({ listed, others: told }));
