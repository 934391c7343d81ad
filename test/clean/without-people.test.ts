import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { type WithoutPeople, withoutPeople } from '../../lib/clean/index.ts';
import { type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { pseudonyms } from './stored.ts';

type Source = ConfigInput['sources'][string];

const columns = { user: 'user', time: 'time', type: `'view'`, item: 'item' };
const csv = { table: 'events', format: 'csv', columns } as const;

/** What is left of a file without ann, and what was found. */
async function withoutAnn(
  content: string | Uint8Array,
  source: Source,
): Promise<Pick<WithoutPeople, 'records' | 'shared'> & { texts: string[]; kept?: Uint8Array }> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const store = await openFolderStore(folder, { durable: false });
  await store.put('drop/shop/a', content);
  const config = parseConfig({ shop: { timeZone: 'UTC' }, sources: { shop: source }, tasks: {} });
  try {
    return await withoutPeople(
      {
        config,
        named: { name: 'shop', source: config.sources.shop! },
        pseudonyms,
        object: await store.get('drop/shop/a'),
        droppedAt: new Date('2026-06-01'),
        ids: ['ann'],
      },
      async ({ path, texts, ...found }) => ({
        ...found,
        texts: await texts(),
        ...(path && { kept: Uint8Array.from(await readFile(path)) }),
      }),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('utf8');

describe('a drop without a person', () => {
  it('keeps all other records as they stand in the file, also rejected ones and those of no one', async () => {
    const { kept, ...found } = await withoutAnn(
      'user,time,item\nann,2026-05-01,a\n"bob",2026-05-01,"x, ""y"""\n,2026-05-01,b\nann,never,c\ncid,never,d\nbob\nann,torn\nhannah,2026-05-02,e\n',
      csv,
    );
    expect(text(kept)).toBe(
      'user,time,item\n"bob",2026-05-01,"x, ""y"""\n,2026-05-01,b\ncid,never,d\nbob\nhannah,2026-05-02,e\n',
    );
    expect(found).toMatchObject({ records: 3, shared: 0 });
    expect(found.texts).toHaveLength(3);
  });

  it('goes by the mapping, not by how the file writes an id', async () => {
    const source = { ...csv, columns: { ...columns, user: `lower(split_part(user, '@', 1))` } };
    const { kept } = await withoutAnn('user,time,item\nANN@x,2026-05-01,a\nBOB@x,2026-05-01,b\n', source);
    expect(text(kept)).toBe('user,time,item\nBOB@x,2026-05-01,b\n');
  });

  it('is told by the lines before its header, its marks and its packing', async () => {
    const source: Source = { ...csv, csv: { delimiter: ';', skipLines: 2 } };
    const { kept } = await withoutAnn(
      gzipSync('export of today\n\nuser;time;"it;em";item\nann;2026-05-01;;a\nbob;2026-05-01;;b\n'),
      source,
    );
    expect(text(gunzipSync(kept!))).toBe('\n\nuser;time;"it;em";item\nbob;2026-05-01;;b\n');
    expect((await withoutAnn(kept!, source)).records).toBe(0);
  });

  it('is UTF-8 with a mark where the source says another encoding', async () => {
    const source: Source = { ...csv, encoding: 'latin1' };
    const { kept } = await withoutAnn(
      Buffer.from('user,time,item\nann,2026-05-01,a\nzoë,2026-05-01,b\n', 'latin1'),
      source,
    );
    expect(text(kept)).toBe('\ufeffuser,time,item\nzoë,2026-05-01,b\n');
    expect((await withoutAnn(kept!, source)).records).toBe(0);
  });

  it('keeps lines of JSON that hold rows of others, too, and tells them', async () => {
    const source: Source = {
      table: 'events',
      format: 'jsonl',
      unnest: '$.of',
      columns: { user: `element ->> '$.user'`, time: 'time', type: `'view'` },
    };
    const line = (...users: string[]) =>
      JSON.stringify({ time: '2026-05-01', of: users.map((user) => ({ user })) });
    const { kept, ...found } = await withoutAnn(
      `${line('ann')}\n${line('bob', 'ann')}\n${line('bob')}\n`,
      source,
    );
    expect(found).toMatchObject({ records: 1, shared: 1 });
    expect(text(kept)).toBe(`${line('bob', 'ann')}\n${line('bob')}\n`);
  });

  it('is parquet again where it was, its columns of the same types', async () => {
    // given
    const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
    const [path, again] = [join(folder, 'a.parquet'), join(folder, 'b.parquet')];
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const rows = async (sql: string) => (await connection.run(sql)).getRowsJson();
    await connection.run(
      `COPY (SELECT * FROM (VALUES ('ann', TIMESTAMP '2026-05-01', 1.50::DECIMAL(9,2), [1]), ('bob', TIMESTAMP '2026-05-01', NULL, []))
        AS t("user", "time", item, more)) TO '${path}' (FORMAT parquet)`,
    );
    // when
    const { kept, records } = await withoutAnn(await readFile(path), { ...csv, format: 'parquet' });
    // then
    expect(records).toBe(1);
    await writeFile(again, kept!);
    expect(await rows(`DESCRIBE FROM read_parquet('${again}')`)).toEqual(
      await rows(`DESCRIBE FROM read_parquet('${path}')`),
    );
    expect(await rows(`FROM read_parquet('${again}')`)).toEqual([['bob', '2026-05-01 00:00:00', null, []]]);
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true });
  });
});
