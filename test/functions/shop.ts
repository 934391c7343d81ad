import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type Config, type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms } from '../../lib/data/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';

const KEY = new Uint8Array(64).fill(7);
export const pseudonyms = createPseudonyms(KEY);

export const events = {
  table: 'events',
  format: 'csv',
  columns: { user: 'user', time: 'time', type: 'type', item: 'item', quantity: 'quantity', price: 'price' },
} as const;

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A folder for a store and a file that holds the key beside it; both are gone when the file's tests are over. */
export async function emptyFolder(): Promise<{ folder: string; keyFile: string }> {
  const home = await mkdtemp(join(tmpdir(), 'nightjar-functions-'));
  folders.push(home);
  const keyFile = join(home, 'pseudonym.key');
  await writeFile(keyFile, KEY);
  return { folder: join(home, 'bucket'), keyFile };
}

export function storeIn(folder: string): Promise<ObjectStore> {
  return openFolderStore(folder, { durable: false });
}

export function shopOf(source: ConfigInput['sources'][string]): Config {
  return parseConfig({ shop: { timeZone: 'Europe/London' }, sources: { shop: source }, tasks: {} });
}
