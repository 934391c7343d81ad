import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Field, Int32 } from 'apache-arrow';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cleanDrop } from '../../lib/clean/index.ts';
import {
  batchCount,
  decodeArrow,
  encodeArrow,
  parseDay,
  recordBatch,
  streamArrow,
} from '../../lib/data/index.ts';
import { buildDays, daysKey, readShardDays } from '../../lib/features/index.ts';
import { byteSource, openFolderStore } from '../../lib/runtime/index.ts';
import { events, pseudonyms, shopOf } from './shop.ts';

it('a file that is written piece by piece has the bytes of one that is written whole', async () => {
  const fields = [new Field('n', new Int32(), false)];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.integer(), { maxLength: 20 }), { minLength: 1, maxLength: 8 }),
      async (lists) => {
        // given batches of any length
        const batches = lists.map((list) => {
          const column = {
            type: new Int32(),
            length: list.length,
            nullCount: 0,
            data: Int32Array.from(list),
          };
          return recordBatch(fields, [column], list.length);
        });
        // when they are streamed
        const pieces: Uint8Array[] = [];
        for await (const piece of streamArrow(fields, batches, batches.length, { a: 'b' }))
          pieces.push(piece);
        // then nothing differs
        expect(Buffer.concat(pieces).equals(encodeArrow(fields, batches, { a: 'b' }))).toBe(true);
      },
    ),
    { seed: 5, numRuns: 30 },
  );
});

it('a drop of more than a million rows is written and folded batch by batch, and nothing is lost', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-large-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    // given 1,100,000 events of 50,000 customers, in no order
    const rows = 1_100_000;
    const file = join(folder, 'drop', 'shop', 'day.csv');
    const store = await openFolderStore(folder, { durable: false });
    await store.put('drop/shop/first.txt', '');
    await connection.run(`COPY (
      SELECT 'c' || (hash(i) % 50000) AS user, make_timestamp(1315000000000000 + (i % 86400) * 1000000) AS time,
        CASE WHEN i % 3 = 0 THEN 'purchase' ELSE 'view' END AS type, 'p' || (i % 700) AS item, 1 AS quantity, 2.5 AS price
      FROM range(${rows}) t(i)) TO '${file}' (HEADER)`);
    const config = { ...shopOf({ ...events, duplicates: 'keep' }, 'UTC'), shards: 2 };
    // when it is cleaned and its day rows are built
    const key = 'drop/shop/day.csv';
    const result = await cleanDrop({ store, config, pseudonyms, key });
    if (result.status !== 'clean' || result.quality.status !== 'clean') throw new Error(result.status);
    const { quality, keys } = result;
    const days = await buildDays({ store, config, cleanKey: keys.clean! });
    // then every row is there, in more batches than there are shards
    expect(quality).toMatchObject({ rowsIn: rows, clean: rows, quarantinedRows: 0, users: 50_000 });
    const { batches } = decodeArrow(await (await store.get(keys.clean!)).bytes());
    expect(batches).toHaveLength(batchCount(rows, 2));
    expect(batches.length).toBeGreaterThan(2);
    expect(batches.reduce((sum, batch) => sum + batch.numRows, 0)).toBe(rows);
    // and the shards of a night see each user once, with all of their lines
    expect(days.key).toBe(daysKey(config, keys.clean!));
    expect((await byteSource(store, days.key)).size).toBeGreaterThan(0);
    const input = { key: days.key, dropId: quality.dropId, revision: quality.revision };
    let [users, lines] = [0, 0];
    for (const shard of [0, 1]) {
      const query = { store, config, inputs: [input], shard, shards: 2, before: parseDay('2011-12-01') };
      for (const user of await readShardDays(query)) {
        users += 1;
        for (const { entries, start, end } of user.days) {
          for (let i = start; i < end; i++) lines += entries.lines[i]!;
        }
      }
    }
    expect({ users, lines }).toEqual({ users: 50_000, lines: rows });
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
});
