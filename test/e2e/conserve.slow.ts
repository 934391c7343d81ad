import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { openWorkspace, type Workspace } from '../../bin/workspace.ts';
import type { CleanedQuality } from '../../lib/clean/index.ts';
import { decodeArrow } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { type DropState, planRun } from '../../lib/run/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { dropAll, finish, openShop, SLOW } from './nights.ts';
import { AS_OF, daily, shopConfig, shopLog } from './shop.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/online-retail', import.meta.url));
const FILES = readdirSync(join(EXAMPLE, 'drops/transactions'));

const cleaned = (drops: readonly DropState[]): CleanedQuality[] =>
  drops.flatMap((drop) => (drop.state === 'done' ? [drop.quality] : []));

const sum = <T>(values: readonly T[], of: (value: T) => number) =>
  values.reduce((total, value) => total + of(value), 0);

async function rowsIn({ store }: Workspace, prefix: string): Promise<number> {
  let rows = 0;
  for await (const { key } of store.list(prefix)) {
    const { batches } = decodeArrow(await (await store.get(key)).bytes());
    rows += sum(batches, (batch) => batch.numRows);
  }
  return rows;
}

describe('rows of online-retail', { timeout: SLOW }, () => {
  let workspace: Workspace;
  let drops: DropState[];

  beforeAll(async () => {
    workspace = await openWorkspace({ config: EXAMPLE, store: await temporaryFolder() });
    for (const name of FILES) {
      await workspace.store.put(
        `drop/transactions/${name}`,
        createReadStream(join(EXAMPLE, 'drops/transactions', name)),
      );
    }
    drops = await workspace.ingest(() => {});
  }, SLOW);

  it('are all accounted for: in = clean + duplicates left out + quarantined, file by file', () => {
    const qualities = cleaned(drops);
    expect(qualities).toHaveLength(305);
    for (const { key, rowsIn: lines, clean, duplicates, quarantinedRows } of qualities) {
      // Descriptions hold no line ends, so lines can be counted plainly.
      const text = gunzipSync(
        readFileSync(join(EXAMPLE, 'drops/transactions', key.split('/').at(-1)!)),
      ).toString();
      expect(lines, key).toBe(text.trimEnd().split('\n').length - 1);
      expect(clean + duplicates.dropped + quarantinedRows, key).toBe(lines);
      expect(duplicates.dropped, key).toBe(0);
    }
    // The figures that the data set is known by.
    expect(sum(qualities, (quality) => quality.rowsIn)).toBe(541_909);
    expect(sum(qualities, ({ duplicates }) => duplicates.found)).toBe(5_268);
  });

  it('stand where the quality files say: clean, in quarantine, with their reasons', async () => {
    const qualities = cleaned(drops);
    expect(await rowsIn(workspace, 'clean/')).toBe(sum(qualities, ({ clean }) => clean));
    const quarantined = sum(qualities, ({ quarantinedRows }) => quarantinedRows);
    expect(quarantined).toBe(135_080);
    const reasons = new Map<string, number>();
    const rows = new Set<string>();
    for await (const { key } of workspace.store.list('quarantine/')) {
      for (const batch of decodeArrow(await (await workspace.store.get(key)).bytes()).batches) {
        for (let i = 0; i < batch.numRows; i++) {
          const reason = String(batch.getChild('reason')?.get(i));
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
          rows.add(`${key} ${batch.getChild('row')?.get(i)}`);
        }
      }
    }
    expect(rows.size).toBe(quarantined);
    const told: Record<string, number> = {};
    for (const quality of qualities) {
      for (const [reason, n] of Object.entries(quality.quarantined)) told[reason] = (told[reason] ?? 0) + n;
    }
    expect(Object.fromEntries(reasons)).toEqual(told);
    expect(told['no user']).toBe(quarantined);
  });
});

describe('drops that cannot be read', { timeout: SLOW }, () => {
  it('are refused whole, named in the manifest and in the report, and change nothing else', async () => {
    // given
    const config = shopConfig({ tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } } });
    const files = [...daily(shopLog().filter(({ day }) => day < AS_OF))];
    const broken: [string, Uint8Array | string][] = [
      ['cut.csv.gz', gzipSync(files[3]![1]).subarray(0, 200)],
      ['latin1.csv', Buffer.from(files[4]![1].replace('sku-1', 'caf\u00e9'), 'latin1')],
      ['columns.csv', files[5]![1].replace('customer,', 'client,')],
    ];
    const shop = await openShop(config);
    await dropAll(shop, files);
    await dropAll(shop, broken);
    await shop.store.put('drop/elsewhere/file.csv', files[0]![1]);
    // when
    const drops = await shop.ingest(() => {});
    const { store } = shop;
    const run = await planRun({ store, config: shop.config, drops, purpose: 'night', asOf: AS_OF });
    // then
    const refused = ['drop/elsewhere/file.csv', ...broken.map(([name]) => `drop/log/${name}`)].sort();
    expect(run.manifest.missing.map(({ key }) => key).sort()).toEqual(refused);
    expect(run.manifest.missing.every(({ why }) => /^refused: .{10,}/.test(why))).toBe(true);
    expect(run.manifest.inputs.events).toHaveLength(files.length);
    // and
    await finish(shop, run);
    const { path } = await evaluateRun({
      store,
      runId: run.runId,
      drops,
      seconds: {},
      now: () => new Date(0),
    });
    const report = new TextDecoder().decode(await (await store.get(path)).bytes());
    for (const key of refused) expect(report).toContain(key);
  });
});
