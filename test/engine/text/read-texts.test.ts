import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTexts } from '../../../lib/engine/text/index.ts';

describe('readTexts', () => {
  let folder: string;
  const path = (name: string) => join(folder, name);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightjar-texts-'));
    await writeFile(
      path('a.csv.gz'),
      gzipSync('title,body,n\nred bag,"soft, ""warm""",1\n,blue tin,2\nlamp,,3\n'),
    );
    await writeFile(path('b.jsonl'), '{"body":"one line\\nof two"}\n{"body":null}\n');
    await writeFile(path('c.txt'), 'text');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads the columns of several files in order, without empty texts', async () => {
    // when / then
    expect(await readTexts([path('a.csv.gz'), path('b.jsonl')], { columns: ['body'] })).toEqual([
      'soft, "warm"',
      'blue tin',
      'one line\nof two',
    ]);
    expect(await readTexts([path('a.csv.gz')], { columns: ['title', 'body'] })).toEqual([
      'red bag',
      'soft, "warm"',
      'blue tin',
      'lamp',
    ]);
    expect(await readTexts([path('b.jsonl')])).toEqual(['one line\nof two']);
  });

  it('reads the rows of a condition alone', async () => {
    // when / then
    expect(
      await readTexts([path('a.csv.gz')], { columns: ['title'], where: 'row_number % 2 = 0 AND n <> 1' }),
    ).toEqual(['lamp']);
  });

  it('says which file, column or condition is wrong', async () => {
    // when / then
    await expect(readTexts([path('none.csv')])).rejects.toThrow(/there is no file .*none.csv/);
    await expect(readTexts([path('c.txt')])).rejects.toThrow(/none of csv, jsonl and parquet/);
    await expect(readTexts([path('a.csv.gz')])).rejects.toThrow(
      /columns title, body, n: say which hold texts/,
    );
    await expect(readTexts([path('a.csv.gz')], { columns: ['text'] })).rejects.toThrow(
      /a.csv.gz cannot be read/,
    );
    await expect(readTexts([path('a.csv.gz')], { columns: ['body'], where: 'n <' })).rejects.toThrow(
      /cannot be read/,
    );
  });
});
