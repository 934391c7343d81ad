import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { parseConfig } from '../../lib/config/index.ts';

/** A drop at a limit that a shop may come to. */
export interface LimitFile {
  readonly name: string;
  readonly format: 'csv' | 'jsonl';
  readonly rows: number;
  readonly clean: number;
  readonly users: number;
  readonly pieces: () => Generator<string>;
  /** Memory that the process is told to have. Default: that of the cleaning function. */
  readonly mebibytes?: number;
}

const MILLION = 1_000_000;
const COLUMNS = 20_000;
const HEAD = 'user,time,type,item,quantity,price';

/** Events over a year, in no order. */
function* events(userOf: (row: number) => string): Generator<string> {
  yield `${HEAD}\n`;
  for (let start = 0; start < MILLION; start += 10_000) {
    const lines = Array.from({ length: 10_000 }, (_, i) => {
      const row = start + i;
      const time = new Date(Date.UTC(2024, 0, 1) + ((row * 7919) % 31_000_000) * 1000).toISOString();
      return `${userOf(row)},${time},${row % 5 ? 'view' : 'purchase'},p${row % 20_000},1,${(row % 1000) / 100}\n`;
    });
    yield lines.join('');
  }
}

const extra = Array.from({ length: COLUMNS }, (_, i) => `k${i}`);
const values = extra.map((_, i) => i % 10);

function* wideCsv(): Generator<string> {
  yield `${HEAD},${extra}\n`;
  for (let row = 0; row < 100; row++) yield `u${row},2024-05-01,view,a,1,1,${values}\n`;
}

/** Half of the lines are no events. */
function* wideJson(): Generator<string> {
  const wide = Object.fromEntries(extra.map((name, i) => [name, values[i]]));
  for (let row = 0; row < 100; row++) {
    const event = {
      user: `u${row}`,
      time: '2024-05-01',
      type: row % 2 ? 'view' : 'buy',
      item: 'a',
      quantity: 1,
      price: 1,
    };
    yield `${JSON.stringify({ ...event, ...wide })}\n`;
  }
}

function* longField(): Generator<string> {
  yield `${HEAD}\nu1,2024-05-01,view,"`;
  for (let i = 0; i < 80; i++) yield 'long "" text, '.repeat(10_000);
  yield `",1,1\nu2,2024-05-01,view,a,1,1\n`;
}

export const LIMIT_FILES: readonly LimitFile[] = [
  {
    name: 'one user, a million events',
    format: 'csv',
    rows: MILLION,
    clean: MILLION,
    users: 1,
    pieces: () => events(() => 'u1'),
  },
  {
    name: 'a million users',
    format: 'csv',
    rows: MILLION,
    clean: MILLION,
    users: MILLION,
    pieces: () => events((row) => `customer-${row}`),
  },
  { name: 'a field of 10 MB', format: 'csv', rows: 2, clean: 2, users: 2, pieces: longField },
  {
    name: '20,000 columns of csv',
    format: 'csv',
    rows: 100,
    clean: 100,
    users: 100,
    pieces: wideCsv,
    // DuckDB books 32 KiB for each column in each of several chunks, however few rows fill them: 4 GB here. The job has it.
    mebibytes: 16_384,
  },
  { name: '20,000 keys of JSON', format: 'jsonl', rows: 100, clean: 50, users: 50, pieces: wideJson },
];

export const limitConfig = (format: LimitFile['format']) =>
  parseConfig({
    shop: { timeZone: 'Europe/Berlin' },
    sources: {
      events: {
        format,
        table: 'events',
        columns: {
          user: 'user',
          time: 'time',
          type: 'type',
          item: 'item',
          quantity: 'quantity',
          price: 'price',
        },
        duplicates: 'keep',
      },
    },
    tasks: {},
  });

/** Writes a file as a drop below `root`. @returns its key */
export async function writeLimit(root: string, { format, pieces }: LimitFile): Promise<string> {
  const key = `drop/events/day.${format}`;
  await mkdir(dirname(join(root, key)), { recursive: true });
  const out = createWriteStream(join(root, key));
  for (const piece of pieces()) if (!out.write(piece)) await once(out, 'drain');
  out.end();
  await finished(out);
  return key;
}
