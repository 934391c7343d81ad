import type { ConfigInput } from '../../../lib/config/index.ts';
import { formatDay, parseDay } from '../../../lib/data/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';

const FIRST = '2025-01-01';
export const AS_OF = '2025-02-20';
const DAYS = 60;

export interface Event {
  readonly day: string;
  readonly customer: string;
  readonly what: 'purchase' | 'message';
  readonly text: string;
}

const PRAISE = ['thanks, lovely tea', 'what a fine cup', 'lovely, thanks again', 'fine honey, thanks'];
const COMPLAINTS = [
  'broken cup, never again',
  'awful lamp, never again',
  'broken and late, awful',
  'late and cold',
];

/**
 * Customers who buy at random and write to the shop now and then. Who has complained never comes back: nothing but the
 * message tells it.
 */
export function textLog(customers = 120): Event[] {
  const rng = createRng('text log');
  const events: Event[] = [];
  for (let c = 0; c < customers; c++) {
    const customer = `c${c}`;
    const leaves = 10 + rng.integer(2 * DAYS);
    for (let d = 0; d < DAYS; d++) {
      const day = formatDay(parseDay(FIRST) + d);
      if (d === leaves) {
        events.push({ day, customer, what: 'purchase', text: 'green tea' });
        events.push({ day, customer, what: 'message', text: COMPLAINTS[rng.integer(4)]! });
        break;
      }
      if (rng.uniform() < 0.12) events.push({ day, customer, what: 'purchase', text: 'green tea' });
      if (rng.uniform() < 0.04)
        events.push({ day, customer, what: 'message', text: PRAISE[rng.integer(4)]! });
    }
  }
  return events;
}

export const csv = (events: readonly Event[]): string =>
  [
    'day,customer,what,text',
    ...events.map(({ day, customer, what, text }) => `${day} 12:00:00,${customer},${what},"${text}"`),
  ].join('\n');

/** Trains in seconds: no sequence, one task. */
export const textConfig = (changes: Partial<ConfigInput> = {}): ConfigInput => ({
  shop: { name: 'Text shop', timeZone: 'UTC' },
  sources: {
    log: {
      format: 'csv',
      table: 'events',
      columns: { user: 'customer', time: 'day', type: 'what', text: 'text' },
    },
  },
  tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } },
  shards: 2,
  features: { tokens: 8 },
  model: { families: ['logistic', 'network'], width: 16, layers: 0, heads: 2, hidden: 8, members: 2 },
  training: { steps: 100, batchSize: 64, maxCutoffs: 4, cutoffEveryDays: 5, threads: 1 },
  text: {
    encoder: { layers: 1, width: 16, heads: 2, vocabulary: 100, epochs: 10 },
    lora: { rank: 2, alpha: 8, steps: 40 },
    maxLength: 16,
    recent: 3,
  },
  ...changes,
});
