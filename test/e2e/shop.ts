import type { ConfigInput } from '../../lib/config/index.ts';
import { formatDay, shopClock } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';

/** A shop in New York whose system writes its log in UTC: one line per event. */
export interface Line {
  /** ms UTC. */
  readonly time: number;
  /** Shop day, 'YYYY-MM-DD'. */
  readonly day: string;
  readonly text: string;
}

export const HEADER = 'customer,at,what,sku,quantity,price,basket';
export const ZONE = 'America/New_York';
/** Clocks went forward on 2025-03-09. */
const FIRST = Date.UTC(2025, 0, 3, 5);
export const AS_OF = '2025-03-12';
const DAYS = 75;

/**
 * A preset that trains in a second; quality is no concern here. Networks and trees, where a test is about them, are named in
 * its own `model.families`.
 */
export const SMALL = {
  training: { steps: 30, pretrainSteps: 5, maxCutoffs: 4, batchSize: 128, threads: 1 },
  model: { families: ['logistic'], width: 16, layers: 1, heads: 2, hidden: 16, members: 2 },
  features: { tokens: 16 },
} satisfies Pick<ConfigInput, 'training' | 'model' | 'features'>;

export const shopConfig = (changes: Partial<ConfigInput> = {}): ConfigInput => ({
  shop: { name: 'Corner shop', timeZone: ZONE },
  sources: {
    log: {
      format: 'csv',
      table: 'events',
      columns: {
        user: 'customer',
        time: '"at"',
        type: 'what',
        item: 'sku',
        quantity: 'quantity',
        price: 'price',
        session: 'basket',
      },
      duplicates: 'keep',
      timeZone: 'UTC',
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 10 },
    churn: { kind: 'absence', event: 'purchase', activeDays: 30, horizonDays: 14 },
    preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 10, k: 5 },
  },
  shards: 2,
  ...SMALL,
  ...changes,
});

/**
 * The whole log in order of time: customers who look, buy and bring back, some more often than others. Some baskets list
 * an item twice in equal lines, some lines have no customer, some amounts are absurd.
 */
export function shopLog(customers = 140): Line[] {
  const rng = createRng('corner shop');
  const clock = shopClock(ZONE);
  const dayOf = new Map<number, string>();
  const lines: Line[] = [];
  const add = (customer: string, time: number, rest: string) => {
    const hour = Math.floor(time / 3_600_000);
    let day = dayOf.get(hour);
    if (day === undefined) dayOf.set(hour, (day = formatDay(clock(time).day)));
    const at = new Date(time).toISOString().slice(0, 19).replace('T', ' ');
    lines.push({ time, day, text: `${customer},${at},${rest}` });
  };
  for (let c = 0; c < customers; c++) {
    const every = 2 + rng.integer(12);
    let day = rng.integer(40);
    for (let visit = 0; day < DAYS; visit++, day += 1 + rng.integer(2 * every)) {
      let time = FIRST + day * 86_400_000 + rng.integer(86_400) * 1000;
      const id = `"C-${c}"`;
      const basket = `${c}/${visit}`;
      add(id, time, `view,sku-${rng.integer(12)},1,,`);
      if (rng.uniform() < 0.3) continue;
      for (let k = rng.integer(3); k >= 0; k--) {
        time += 1000 * rng.integer(40);
        const sku = `sku-${(c % 4) * 3 + rng.integer(3)}`;
        const price = `${(5 + rng.integer(3000)) / 100}`;
        const line = `purchase,${sku},${1 + rng.integer(3)},${price},${basket}`;
        add(id, time, line);
        if (rng.uniform() < 0.05) add(id, time, line);
        if (rng.uniform() < 0.03) add(id, time + 60_000, `return,${sku},1,${price},${basket}r`);
      }
      if (rng.uniform() < 0.02) add('', time, `purchase,sku-1,1,9.99,${basket}x`);
      if (rng.uniform() < 0.01) add(id, time, `purchase,sku-1,1,99999999,${basket}y`);
    }
  }
  return lines.sort((a, b) => a.time - b.time || (a.text < b.text ? -1 : 1));
}

export const file = (lines: readonly Line[]): string =>
  `${[HEADER, ...lines.map(({ text }) => text)].join('\n')}\n`;

/** One file per shop day. */
export function daily(lines: readonly Line[]): Map<string, string> {
  return grouped(lines, ({ day }) => `${day}.csv`);
}

export function weekly(lines: readonly Line[]): Map<string, string> {
  return grouped(lines, ({ time }) => `week-${Math.floor(time / (7 * 86_400_000))}.csv`);
}

/** One file per hour of UTC. */
export function hourly(lines: readonly Line[]): Map<string, string> {
  return grouped(lines, ({ time }) => `${new Date(time).toISOString().slice(0, 13)}.csv`);
}

function grouped(lines: readonly Line[], nameOf: (line: Line) => string): Map<string, string> {
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const name = nameOf(line);
    const group = groups.get(name);
    if (group) group.push(line);
    else groups.set(name, [line]);
  }
  return new Map([...groups].map(([name, group]) => [name, file(group)]));
}
