import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { sha256 } from '../../lib/data/index.ts';
import { evaluateRun } from '../../lib/evaluate/index.ts';
import type { ExportManifest } from '../../lib/export/index.ts';
import { getBytes, readJson } from '../../lib/runtime/index.ts';
import { dropAll, dropsOf, type Night, night, openShop, SLOW } from './nights.ts';
import { AS_OF, file, type Line, shopConfig, shopLog, weekly } from './shop.ts';

/** Without the absurd amounts, which are flagged and count. */
const log = shopLog(140).filter(({ text }) => !text.includes('99999999'));
const past = log.filter(({ day }) => day < AS_OF);
const defaults = shopConfig();
const config = shopConfig({
  shop: { name: 'Corner shop', timeZone: 'America/New_York', currency: 'USD' },
  sources: {
    ...defaults.sources,
    customers: {
      format: 'csv',
      table: 'users',
      columns: { user: 'customer', email: 'address' },
    },
  },
  tasks: {
    purchase: { kind: 'event', horizonDays: 5 },
    spend: { kind: 'value', horizonDays: 5 },
    orders: { kind: 'value', of: 'orders', horizonDays: 5 },
    year: { kind: 'value', horizonDays: 365 },
  },
  exports: {
    actions: {
      call: { task: 'purchase', lift: 0.3, worth: 60, cost: 8 },
      mail: { task: 'purchase', lift: 0.1, worth: 'spend', cost: 0.5 },
    },
  },
} satisfies Partial<ConfigInput>);
let shop: Workspace;
let reference: Night;

async function nightOf(files: Iterable<[string, string]>): Promise<[Workspace, Night]> {
  const workspace = await openShop(config);
  await dropAll(workspace, files);
  const people = Array.from({ length: 140 }, (_, i) => `C-${i},c${i}@example.com`);
  await workspace.store.put('drop/customers/all.csv', `customer,address\n${people.join('\n')}\n`);
  return [workspace, await night(workspace, AS_OF)];
}

/** Rows of the users' CSV file by column. */
async function exported({ store }: Workspace): Promise<Record<string, string>[]> {
  const { files } = (await readJson<ExportManifest>(store, 'exports/current/manifest.json'))!;
  const { key } = files.find(({ format, table }) => format === 'csv.gz' && table === 'users')!;
  const [head, ...lines] = gunzipSync((await getBytes(store, key))!)
    .toString()
    .trim()
    .split('\n');
  const names = head!.split(',');
  return lines.map((line) => {
    // Lists hold commas in quotes.
    const fields = [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, field]) => field!);
    return Object.fromEntries(names.map((name, i) => [name, fields[i]!]));
  });
}

const customerOf = ({ text }: Line) => text.split(',')[0]!.replaceAll('"', '');
const buys = ({ text }: Line) => text.split(',')[2] === 'purchase';

beforeAll(async () => {
  [shop, reference] = await nightOf([['all.csv', file(past)]]);
}, SLOW);

describe('value tasks', { timeout: SLOW }, () => {
  it('tell every buyer what to expect, in order, and nobody else', async () => {
    const rows = await exported(shop);
    const buyers = new Set(past.filter((line) => buys(line) && customerOf(line) !== '').map(customerOf));
    expect(new Set(rows.filter((row) => row.spend_value !== '').map((row) => row.user_id))).toEqual(buyers);
    const ranked = rows
      .filter((row) => row.spend_value !== '')
      .sort((a, b) => Number(a.spend_rank) - Number(b.spend_rank));
    ranked.forEach((row, i) => {
      const [value, low, high] = [row.spend_value, row.spend_low, row.spend_high].map(Number);
      expect(Number(row.spend_rank)).toBe(i + 1);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(high).toBeGreaterThanOrEqual(low!);
      expect(value).toBeGreaterThan(0);
      if (i > 0) expect(value).toBeLessThanOrEqual(Number(ranked[i - 1]!.spend_value));
      // nothing is told of who bought on one day only
      const alive = row.spend_alive === '' ? 0.5 : Number(row.spend_alive);
      expect(alive).toBeGreaterThan(0);
      expect(alive).toBeLessThan(1);
      expect(row.spend_next_day! > AS_OF).toBe(true);
      expect(JSON.parse(row.spend_reasons!.slice(1, -1).replaceAll('""', '"'))).not.toEqual([]);
    });
    // a year has never passed in this log
    expect(rows.every((row) => row.year_low === '' && row.year_high === '')).toBe(true);
    const sum = (name: string) => rows.reduce((total, row) => total + Number(row[name]), 0);
    expect(sum('year_value')).toBeGreaterThan(10 * sum('spend_value'));
  });

  it('have audiences of hashed addresses, best first, without the control group', async () => {
    const rows = await exported(shop);
    for (const task of ['purchase', 'spend', 'orders']) {
      const wanted = rows
        .filter((row) => row[`${task}_rank`] !== '' && row.control === 'false')
        .sort((a, b) => Number(a[`${task}_rank`]) - Number(b[`${task}_rank`]))
        .map(({ user_id }) => sha256(`c${user_id!.slice(2)}@example.com`));
      const { files } = (await readJson<ExportManifest>(shop.store, 'exports/current/manifest.json'))!;
      const { key } = files.find(
        (one) => one.table === 'audiences' && one.format === 'csv.gz' && one.key.includes(`task=${task}/`),
      )!;
      const [, ...lines] = gunzipSync((await getBytes(shop.store, key))!)
        .toString()
        .trim()
        .split('\n');
      expect(lines.map((line) => line.split(',')[0])).toEqual(wanted);
    }
  });

  it('decide, with chances and costs, which action gains most from a user, if any', async () => {
    const rows = await exported(shop);
    const told = rows.map((row) => {
      const chance = row.purchase_probability === '' ? Number.NaN : Number(row.purchase_probability);
      const gains = { call: 0.3 * chance * 60 - 8, mail: 0.1 * chance * Number(row.spend_value) - 0.5 };
      const best = Object.entries(gains).reduce((a, b) => (b[1] > a[1] ? b : a), ['', 0] as const);
      expect(row.next_action).toBe(best[0]);
      if (best[0] !== '') expect(Number(row.next_action_gain)).toBeCloseTo(best[1], 9);
      else expect(row.next_action_gain).toBe('');
      return best[0];
    });
    expect(new Set(told)).toEqual(new Set(['call', 'mail', '']));
  });

  it('are compared with what the window came to', async () => {
    const workspace = shop;
    await dropAll(workspace, [['later.csv', file(log.filter(({ day }) => day >= AS_OF))]]);
    await workspace.ingest(() => {});
    const { outcomes, report } = await evaluateRun({
      store: workspace.store,
      runId: reference.runId,
      drops: await dropsOf(workspace),
      seconds: {},
      now: () => new Date(0),
    });
    // given the money of the window from the log itself, in the currency's major unit
    const spend = outcomes.spend!;
    const orders = outcomes.orders!;
    if (spend.kind !== 'value' || orders.kind !== 'value') throw new Error('no values');
    const known = new Set(past.filter((line) => buys(line) && customerOf(line) !== '').map(customerOf));
    const window = log.filter(
      (line) => line.day >= AS_OF && line.day < '2025-03-17' && buys(line) && known.has(customerOf(line)),
    );
    const money = window.reduce((sum, { text }) => {
      const [, , , , quantity, price] = text.split(',');
      return sum + Number(quantity) * Number(price);
    }, 0);
    expect(spend.truth.reduce((sum, y) => sum + y, 0)).toBeCloseTo(money, 2);
    const baskets = new Set(window.map(({ text }) => text.split(',')[6]));
    expect(orders.truth.reduce((sum, y) => sum + y, 0)).toBe(baskets.size);
    // the order is better than chance, and the report tells it
    const [task] = report.models.flatMap(({ tasks }) => tasks.filter(({ name }) => name === 'spend'));
    if (task?.kind !== 'value') throw new Error('no value task');
    expect(task.currency).toBe('USD');
    expect(task.evaluation!.spearman).toBeGreaterThan(0.2);
    expect(task.validation!.assessment.coverage).toBeGreaterThan(0.7);
    expect(task.expected).toBeGreaterThan(0);
  });

  it('know nothing from the as-of day on, and take files in any order', async () => {
    const [, other] = await nightOf([...weekly(log)].reverse());
    expect(other.models).toEqual(reference.models);
    expect(other.scores).toEqual(reference.scores);
    expect(other.exports).toEqual(reference.exports);
  });
});
