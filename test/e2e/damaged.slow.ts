import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { bucketState } from '../../bin/commands/bucket-state.ts';
import { openWorkspace, type Workspace } from '../../bin/workspace.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import { explain } from '../../lib/runtime/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { dropAll, night, openShop } from './nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from './shop.ts';

/** Every kind of object that a run leaves: events, items, users, a labelled table, models of each kind, states, lists. */
const defaults = shopConfig();
const settings = shopConfig({
  sources: {
    ...defaults.sources,
    products: {
      format: 'csv',
      table: 'items',
      columns: { item: 'sku' },
      attributes: { categories: { category: 'category' } },
    },
    people: {
      format: 'csv',
      table: 'users',
      columns: { user: 'id' },
      attributes: { categories: { region: 'region' } },
    },
    tickets: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'bought' },
      attributes: { numbers: { n: 'n' } },
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 10 },
    preference: { kind: 'next', event: 'purchase', of: 'category', horizonDays: 10, k: 3 },
    bought: { kind: 'label', source: 'tickets', positive: 'yes' },
  },
  model: { ...defaults.model, layers: 0 },
});

const OBJECT = /^(quality|clean|days|runs|models|scores|snapshots|exports)\/|^identity\.json$/;

const LONG = 3_600_000;
let whole: string;
let keys: string[];

beforeAll(async () => {
  const shop = await openShop(settings);
  await dropAll(shop, [...weekly(shopLog(40).filter(({ day }) => day < AS_OF))].slice(0, 4));
  const rows = (n: number, row: (i: number) => string) =>
    Array.from({ length: n }, (_, i) => row(i)).join('\n');
  await shop.store.put(
    'drop/products/p.csv',
    `sku,category\n${rows(12, (i) => `sku-${i},${i % 2 ? 'a' : 'b'}`)}\n`,
  );
  await shop.store.put('drop/people/p.csv', `id,region\n${rows(40, (i) => `C-${i},${i % 3 ? 'n' : 's'}`)}\n`);
  await shop.store.put(
    'drop/tickets/t.csv',
    `bought,n\n${rows(300, (i) => `${i % 3 ? 'no' : 'yes'},${i}`)}\n`,
  );
  await night(shop, AS_OF);
  whole = shop.folder;
  const files = await readdir(shop.root, { recursive: true, withFileTypes: true });
  keys = files
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(shop.root.length + 1))
    .filter((key) => !/^drop\/|^\.tmp\/|(csv\.gz|parquet|_SUCCESS|html)$/.test(key))
    .sort();
  // Of objects of one kind and folder one stands for the others.
  const kind = (key: string) => key.replace(/[0-9a-f]{8,}/g, '#').replace(/shard=\d+|#\/#/g, '#');
  keys = [...new Map(keys.map((key) => [kind(key), key])).values()];
}, LONG);

/** What looks at everything and does everything anew. @returns what was thrown or told */
async function lookAndRun(shop: Workspace): Promise<unknown[]> {
  const told: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    await work().catch((error: unknown) => told.push(error));
  };
  await attempt(() => bucketState(shop.store, shop.config));
  await attempt(async () => {
    for (const drop of await shop.ingest(() => {})) if (drop.state === 'pending') told.push(drop.why);
  });
  await attempt(() => night(shop, AS_OF));
  await attempt(async () => {
    const { runs } = await bucketState(shop.store, shop.config);
    const drops = await shop.ingest(() => {});
    const runId = runs.at(-1)!.runId;
    await evaluateRun({ store: shop.store, runId, drops, seconds: {}, now: () => new Date(0) });
  });
  return told;
}

it(
  'a damaged object, whichever it is, is told by its key with what to delete; deleting that heals all',
  async () => {
    expect(keys.length).toBeGreaterThan(20);
    /** All that went wrong, so that one look shows it. */
    const faults: string[] = [];
    for (const key of keys) {
      for (const how of ['empty', 'cut off', 'text'] as const) {
        // given
        const folder = await temporaryFolder();
        await cp(whole, folder, { recursive: true });
        const root = join(folder, 'bucket');
        const path = join(root, key);
        const { length } = await readFile(path);
        if (how === 'text') await writeFile(path, 'not what was written');
        else await truncate(path, how === 'empty' ? 0 : Math.floor(length / 2));
        // when: everything behind it is to be made again
        const later = ['exports', 'scores', 'days'].filter((name) => !key.startsWith(name));
        for (const name of later) await rm(join(root, name), { recursive: true, force: true });
        const shop = await openWorkspace({ config: folder, store: root }).catch((error: unknown) => error);
        const told = shop instanceof Error ? [shop] : await lookAndRun(shop as Workspace);
        // then: each is a sentence of ours, and names the object
        const said = told.map((one) =>
          one instanceof Error ? (explain(one)?.message ?? `? ${one.stack}`) : String(one),
        );
        const what = `${key} ${how}`;
        const raw = said.filter((sentence) => /^\?|fault of Nightjar|undefined/.test(sentence));
        if (raw.length > 0) faults.push(`${what}: raw: ${raw.join(' | ')}`);
        const cure = said.find((sentence) => sentence.includes('is damaged'));
        if (cure === undefined) {
          // Nothing reads it again: it is written for people or for another machine.
          if (said.length > 0 && raw.length === 0) faults.push(`${what}: no cure: ${said.join(' | ')}`);
        } else {
          // when: what the sentence says is deleted
          const named = [...cure.matchAll(/(?:[a-z]+\/)?[\w=./-]+\/?/g)].map(([text]) => text);
          for (const one of named.filter((text) => OBJECT.test(text))) {
            await rm(join(root, one), { recursive: true, force: true });
          }
          const left = await lookAndRun(await openWorkspace({ config: folder, store: root }));
          if (left.length > 0) faults.push(`${what}: not healed: ${cure} | ${left.map(String).join(' | ')}`);
        }
        await rm(folder, { recursive: true });
      }
    }
    expect(faults).toEqual([]);
  },
  LONG,
);
