import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withConnection } from '../../lib/clean/duckdb/index.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { clean, cleanedQuality, rowsIn, shopOf } from './shop.ts';

type Source = Extract<ConfigInput['sources'][string], { table: 'events' }>;

/** Integers with gaps leave pandas as floats in which NaN stands for "nothing there". */
describe('a NaN in a float column of parquet is no value, whatever the column is mapped to', () => {
  const source: Source = {
    table: 'events',
    format: 'parquet',
    columns: { user: 'u', time: "TIMESTAMP '2024-05-01'", type: "'purchase'" },
  };
  const GAPS = `unnest(['nan'::DOUBLE, 17850]) AS f, unnest(['ann', 'bob']) AS u`;

  it.each(['item', 'session'])('%s: NULL, and the row is as clean as the others', async (name) => {
    for (const type of ['DOUBLE', 'FLOAT']) {
      const file = await parquet(`SELECT u, f::${type} AS f FROM (SELECT ${GAPS})`);
      const { rows, quarantined } = await rowsIn(file, {
        ...source,
        columns: { ...source.columns, [name]: 'f' },
      });
      expect(quarantined).toEqual({});
      expect(rows.map((row) => row[name])).toEqual([null, '17850']);
    }
  });

  it('a key: the row has no identity, and always counts', async () => {
    const file = await parquet(`SELECT * FROM (SELECT ${GAPS}) UNION ALL SELECT 'nan'::DOUBLE, 'cy'`);
    const { quality, rows } = await clean(file, shopOf({ ...source, key: ['f'] }));
    expect(cleanedQuality(quality)).toMatchObject({ rowsIn: 3, clean: 3, quarantined: {} });
    expect(rows.filter(({ id }) => id === null)).toHaveLength(2);
  });

  it('valid_from: always valid', async () => {
    const file = await parquet(
      `SELECT unnest(['nan'::DOUBLE, 1714550400000]) AS f, unnest(['ann', 'bob']) AS u`,
    );
    const users = { table: 'users', format: 'parquet', columns: { user: 'u', valid_from: 'f' } } as const;
    const { rows, quarantined } = await rowsIn(file, users);
    expect(quarantined).toEqual({});
    expect(rows.map((row) => row.valid_from)).toEqual([null, '2024-05-01T10:00:00+02:00']);
  });

  it('newestBy: older than any other version', async () => {
    const file = await parquet(
      `SELECT 'k' AS k, unnest(['ann', 'bob', 'cy']) AS u, unnest(['nan'::DOUBLE, 2, 1]) AS f`,
    );
    const { rows, quarantined } = await rowsIn(file, { ...source, key: ['k'], newestBy: ['f'] });
    expect(quarantined).toEqual({});
    expect(rows.map(({ user }) => user)).toEqual(['bob']);
  });

  it('time: an event without one is told so', async () => {
    const file = await parquet(`SELECT ${GAPS}`);
    const { quarantined } = await rowsIn(file, { ...source, columns: { ...source.columns, time: 'f' } });
    expect(quarantined).toEqual({ 'no time': 1, 'time: before 1990': 1 });
  });
});

it('an empty currency is none, in every format', async () => {
  // given
  const jsonl: Source = {
    table: 'events',
    format: 'jsonl',
    columns: { user: 'u', time: "'2024-05-01'", type: "'purchase'", amount: 'p', currency: 'c' },
  };
  const lines = ['""', '" "', 'null', '"EUR\u00a0"'].map((c, i) => `{"u":"u${i}","p":5,"c":${c}}\n`);
  // when
  const { clean: good, quarantined } = await rowsIn(lines.join(''), jsonl, { currency: 'EUR' });
  // then
  expect([good, quarantined]).toEqual([4, {}]);
});

async function parquet(query: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const path = join(folder, 'file.parquet');
  try {
    await withConnection({ threads: 1 }, (sql) => sql.run(`COPY (${query}) TO '${path}' (FORMAT parquet)`));
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
