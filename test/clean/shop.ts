import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import {
  type CleanedQuality,
  cleanDrop,
  type Preview,
  parseQuality,
  previewDrop,
  type Quality,
} from '../../lib/clean/index.ts';
import { type Config, type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { getText, type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { bytesOf, pseudonyms, rowsOf } from './stored.ts';

export { bytesOf, pseudonyms, rowsOf };

export const events = {
  table: 'events',
  format: 'csv',
  columns: { user: 'user', time: 'time', type: 'type', item: 'item', quantity: 'quantity', price: 'price' },
} as const;

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A store in a folder of its own, removed when the file's tests are over. */
export async function emptyStore(): Promise<ObjectStore> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  folders.push(folder);
  return openFolderStore(folder, { durable: false });
}

export function shopOf(source: ConfigInput['sources'][string], timeZone = 'Europe/London'): Config {
  return parseConfig({ shop: { timeZone }, sources: { shop: source }, tasks: {} });
}

export interface Cleaned {
  readonly store: ObjectStore;
  readonly quality: Quality;
  /** Rows of the clean table. */
  readonly rows: Record<string, unknown>[];
  readonly quarantine: Record<string, unknown>[];
  readonly arrow: Uint8Array | undefined;
}

/** Drops one file, cleans it, and reads back what was written. */
export async function clean(
  content: Uint8Array | string,
  config: Config,
  key = 'drop/shop/day.csv',
  store?: ObjectStore,
): Promise<Cleaned> {
  const home = store ?? (await emptyStore());
  await home.put(key, content);
  const result = await cleanDrop({ store: home, config, pseudonyms, key, engine: { threads: 1 } });
  if (!('keys' in result)) throw new Error(`the drop is ${result.status}`);
  const { keys } = result;
  const quality = parseQuality((await getText(home, keys.quality)) ?? '', keys.quality);
  const arrow = keys.clean ? await bytesOf(home, keys.clean) : undefined;
  const rejected = keys.quarantine ? await bytesOf(home, keys.quarantine) : undefined;
  return {
    store: home,
    quality,
    arrow,
    rows: arrow ? rowsOf(arrow) : [],
    quarantine: rejected ? rowsOf(rejected) : [],
  };
}

/** The quality of a drop that must have been cleaned. */
export function cleanedQuality(quality: Quality): CleanedQuality {
  if (quality.status !== 'clean') throw new Error(`refused: ${JSON.stringify(quality.refused)}`);
  return quality;
}

/** When looked-at files were dropped. */
const DROPPED = new Date('2026-06-01T00:00:00Z');

/** What "check" shows of a file: the very rows of the clean file, in the order of the file. */
export async function look(
  content: Uint8Array | string,
  source: ConfigInput['sources'][string],
  options: { timeZone?: string; currency?: string; key?: string; show?: number } = {},
): Promise<Preview> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const file = join(folder, 'file');
  await writeFile(file, content);
  await utimes(file, DROPPED, DROPPED);
  const { timeZone = 'Europe/Berlin', currency, key, show = 1000 } = options;
  const shop = { timeZone, ...(currency && { currency }) };
  const config = parseConfig({ shop, sources: { shop: source }, tasks: {} });
  const named = { name: 'shop', source: config.sources.shop! };
  try {
    return await previewDrop({
      file,
      named,
      config,
      pseudonyms,
      show,
      ...(key && { key }),
      engine: { threads: 1 },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** `look` at a file that must be readable. */
export async function rowsIn(...args: Parameters<typeof look>) {
  const preview = await look(...args);
  if (preview.status !== 'read') throw new Error(`refused: ${preview.reason} (${preview.hint})`);
  return preview;
}

/** Why a file that must be refused is refused, and the way out. */
export async function refusalOf(...args: Parameters<typeof look>): Promise<string> {
  const preview = await look(...args);
  if (preview.status !== 'refused') throw new Error(`read: ${JSON.stringify(preview.rows)}`);
  return `${preview.reason}: ${preview.hint}`;
}
