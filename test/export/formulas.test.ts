import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { writeTableFile } from '../../lib/export/table-file.ts';
import { openFolderStore } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';

const IDS = [
  "=cmd|' /C calc'!A0",
  '+sum(1)',
  '-2+3',
  '@x',
  '\tx',
  '=a,"b"',
  '-5',
  '+49123',
  '-0.5',
  'plain',
  '',
];
const GUARDED = new Set(IDS.slice(0, 6));

const written = async (guardFormulas: boolean) => {
  const [root, folder] = [await temporaryFolder(), await temporaryFolder()];
  const store = await openFolderStore(root);
  await writeTableFile({
    ...{ store, folder, guardFormulas, table: 'users', name: 'users', rows: IDS.length },
    columns: [{ name: 'user_id', type: 'VARCHAR', means: 'the id' }],
    keys: { parquet: 'users.parquet', 'csv.gz': 'users.csv.gz' },
    *records(csv) {
      for (const id of IDS) {
        csv.text(id);
        csv.end();
        yield;
      }
    },
  });
  const csv = gunzipSync(await (await store.get('users.csv.gz')).bytes()).toString();
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const parquet = (await connection.runAndReadAll(`SELECT user_id FROM '${root}/users.parquet'`))
    .getRows()
    .map(([id]) => id);
  connection.closeSync();
  return { csv, parquet };
};

it('a text that a spreadsheet would run as a formula has an apostrophe in front in CSV, and is as it was in Parquet', async () => {
  const { csv, parquet } = await written(true);
  expect(parquet).toEqual(IDS);
  const fields = csv.split('\n').slice(1, -1);
  expect(fields).toEqual(
    IDS.map((id) => {
      const text = GUARDED.has(id) ? `'${id}` : id;
      return text === '' || /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    }),
  );
});

it('is left as it is where the config says so', async () => {
  const kept = await written(false);
  expect(kept.csv).not.toContain("'=");
  expect(kept.csv.split('\n')[1]).toBe(IDS[0]);
});
