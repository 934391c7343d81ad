import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

/** The keys of all objects of a store that hold one of some words, in their bytes, in what is packed, or in their own names. */
export async function tracesOf(store: ObjectStore, words: readonly string[]): Promise<string[]> {
  const folder = await temporaryFolder();
  const found: string[] = [];
  for await (const { key } of store.list('')) {
    const bytes = Buffer.from(await (await store.get(key)).bytes());
    const texts: Buffer[] = [Buffer.from(key), bytes];
    if (key.endsWith('.gz')) texts.push(gunzipSync(bytes));
    if (key.endsWith('.parquet')) texts.push(await parquetText(bytes, join(folder, 'file.parquet')));
    if (texts.some((text) => words.some((word) => text.includes(word)))) found.push(key);
  }
  return found;
}

async function parquetText(bytes: Uint8Array, path: string): Promise<Buffer> {
  await writeFile(path, bytes);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = await (
    await connection.run(`SELECT to_json(t)::VARCHAR FROM read_parquet('${path}') t`)
  ).getRowsJson();
  connection.closeSync();
  instance.closeSync();
  return Buffer.from(rows.flat().join('\n'));
}
