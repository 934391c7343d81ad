import { createRng } from '../../lib/engine/host/index.ts';

export interface Line {
  readonly sku: string;
  readonly title: string;
  readonly quantity: number;
  /** Of one unit. */
  readonly price: number;
}

/** One visit of a customer: what was looked at, and perhaps bought. */
export interface Visit {
  readonly id: number;
  readonly customer: number;
  readonly email: string;
  /** ms UTC. */
  readonly time: number;
  readonly looks: readonly string[];
  readonly lines: readonly Line[];
}

const FIRST = Date.UTC(2025, 2, 3);
const DAYS = 110;
/** The day after the last day of the log. */
export const AS_OF = '2025-06-21';

/** How an export of the shop is made: what is generated has the shape of what was written by hand. */
export interface Export {
  /** Rows by hand that show all that is special about the export. */
  readonly special: readonly string[];
  /** Header line, where there is one. */
  readonly header?: string;
  rows(visits: readonly Visit[]): string[];
  readonly file: string;
}

export const textOf = ({ header, special, rows }: Export, visits: readonly Visit[]): string =>
  `${[...(header === undefined ? [] : [header]), ...special, ...rows(visits)].join('\n')}\n`;

const TITLES = [
  'Lamp',
  'Chair',
  'Table',
  'Vase',
  'Rug',
  'Clock',
  'Mug',
  'Tray',
  'Candle',
  'Frame',
  'Pillow',
  'Shelf',
];
const titleOf = (sku: string): string => TITLES[Number(sku.slice(4))] ?? sku;

/** Customers who come every few days and buy now and then: the same log whenever it is asked for. */
export function shopVisits(customers = 70): Visit[] {
  const rng = createRng('preset shop');
  const visits: Visit[] = [];
  for (let customer = 0; customer < customers; customer++) {
    const every = 3 + rng.integer(16);
    for (let day = rng.integer(30); day < DAYS; day += 1 + rng.integer(2 * every)) {
      const time = FIRST + day * 86_400_000 + (8 + rng.integer(14)) * 3_600_000 + rng.integer(3600) * 1000;
      const sku = () => `sku-${(customer % 4) * 3 + rng.integer(3)}`;
      const looks = Array.from({ length: 1 + rng.integer(3) }, sku);
      const bought = rng.uniform() < 0.6 ? [...new Set(Array.from({ length: 1 + rng.integer(3) }, sku))] : [];
      const lines = bought.map((one) => ({
        sku: one,
        title: titleOf(one),
        quantity: 1 + rng.integer(3),
        price: (500 + rng.integer(4000)) / 100,
      }));
      visits.push({ id: visits.length, customer, email: `c${customer}@shop.example`, time, looks, lines });
    }
  }
  return visits.sort((a, b) => a.time - b.time || a.id - b.id);
}

/** '2025-03-03 10:00:00' */
export const utc = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

/** A csv line of the fields that are given, in the order of a header; the others are empty. */
export function csvLine(
  header: readonly string[],
  fields: Readonly<Record<string, string | number>>,
): string {
  for (const name of Object.keys(fields)) if (!header.includes(name)) throw new Error(`no column ${name}`);
  return header
    .map((name) => String(fields[name] ?? ''))
    .map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');
}
