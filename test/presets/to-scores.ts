import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'vitest';
import { openWorkspace } from '../../bin/workspace.ts';
import { decodeArrow } from '../../lib/data/index.ts';
import { night } from '../e2e/nights.ts';
import { SMALL } from '../e2e/shop.ts';
import { AS_OF, type Export, shopVisits, textOf } from './shop.ts';
import { emptyFolder, readOf, startWith } from './start.ts';

/** From an export to scores: the config that init makes, a drop, a night. Expects that no row and no user is lost. */
export async function fromExportToScores(from: string, made: Export): Promise<void> {
  // given
  const content = textOf(made, shopVisits());
  const started = await startWith(from, { [made.file]: content }, 'Europe/Berlin');
  const preview = readOf(started);
  const home = await emptyFolder();
  const small = Object.entries(SMALL).map(([key, value]) => `  ${key}: ${JSON.stringify(value)},\n`);
  await writeFile(
    join(home, 'nightjar.config.ts'),
    started.text.replace(/\}\);\n$/, `${small.join('')}  shards: 2,\n});\n`),
  );
  const workspace = await openWorkspace({ config: home, store: join(home, 'bucket') });
  const { store, root } = workspace;
  await store.put(`drop/${started.files[0]!.source}/${made.file}`, content);
  // when
  await night(workspace, AS_OF);
  // then: what init has shown is what was cleaned, and each row is accounted for
  const [drop] = await workspace.ingest(() => {});
  if (drop?.state !== 'done' || drop.quality.status !== 'clean') throw new Error('the drop was not cleaned');
  const { rowsIn, clean, leftOut, quarantined, quarantinedRows, duplicates } = drop.quality;
  expect({ rowsIn, clean, leftOut, quarantined }).toEqual({
    rowsIn: preview.rowsIn,
    clean: preview.clean,
    leftOut: preview.leftOut,
    quarantined: preview.quarantined,
  });
  const out = Object.values(leftOut).reduce((sum, rows) => sum + rows, 0);
  expect(clean + duplicates.dropped + quarantinedRows + out).toBe(rowsIn);
  // and: a row of the export for each user with a clean event, and for nobody else
  const users = new Set<string>();
  for await (const { key } of store.list('clean/')) {
    for (const batch of decodeArrow(await (await store.get(key)).bytes()).batches) {
      for (const user of batch.getChild('user') ?? []) users.add(String(user));
    }
  }
  const sql = await (await DuckDBInstance.create()).connect();
  const scored = await sql.runAndReadAll(`
    SELECT count(*), count(DISTINCT user_id), count(purchase_probability), count(churn_probability)
    FROM '${root}/exports/**/users*.parquet'`);
  const [rows, distinct, purchase, churn] = (scored.getRowsJson()[0] ?? []).map(Number);
  expect([rows, distinct]).toEqual([users.size, users.size]);
  // Both outcomes are asked of all who bought, or did lately.
  expect(purchase).toBeGreaterThan(50);
  expect(churn).toBeGreaterThan(20);
}
