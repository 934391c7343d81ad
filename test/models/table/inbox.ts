import { writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Workspace } from '../../../bin/workspace.ts';
import type { ConfigInput } from '../../../lib/config/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { getBytes } from '../../../lib/runtime/index.ts';
import type { Night } from '../../e2e/nights.ts';
import { temporaryFolder } from '../../runtime/temp.ts';

export type Answers = 'yes-no' | 'one-of' | 'any-of' | 'number';

/** A shop with labelled tickets, and an inbox of messages that nobody has labelled. */
export const inboxConfig = (answers: Answers = 'one-of'): ConfigInput => ({
  shop: { timeZone: 'Europe/London' },
  sources: {
    tickets: {
      format: 'csv',
      table: 'labels',
      columns: { label: answers.replace('-', '_') },
      attributes: { texts: ['body'], categories: ['device'] },
      duplicates: 'keep',
    },
    inbox: {
      format: 'csv',
      table: 'unlabelled',
      columns: { id: 'id', user: 'customer', time: 'sent' },
      attributes: { texts: ['body'], categories: ['device'] },
    },
  },
  tasks: {
    intent: {
      ...{ kind: 'label', source: 'tickets', answers, unlabelled: { source: 'inbox', days: 3 } },
      ...(answers === 'yes-no' ? { positive: 'refund' } : {}),
    },
  },
  exports: { controlShare: 0.5 },
  training: { steps: 40, batchSize: 64, threads: 1 },
  model: { families: ['logistic'] },
});

const BODIES = {
  refund: ['I want my money back', 'please refund the order', 'money not returned yet', 'refund me'],
  delivery: [
    'where is my parcel',
    'parcel late again',
    'when does the parcel arrive',
    'courier lost the parcel',
  ],
  other: ['how do I change my name', 'open a new account', 'change the address of my account', 'hello there'],
} as const;
type Kind = keyof typeof BODIES;
const KINDS = Object.keys(BODIES) as Kind[];

/** Labelled tickets, with a column for each kind of answer. */
export function tickets(): string {
  const rng = createRng('labelled tickets');
  const rows = Array.from({ length: 240 }, () => {
    const kind = KINDS[rng.integer(3)]!;
    const device = ['phone', 'desktop'][rng.integer(2)]!;
    const labels = [kind, ...(device === 'phone' ? ['mobile'] : [])].join(';');
    const stars = (kind === 'other' ? 4 : 1) + rng.uniform();
    return [
      BODIES[kind][rng.integer(4)]!,
      device,
      kind,
      kind,
      `"${labels.replace(';', ',')}"`,
      stars.toFixed(2),
    ];
  });
  return `${['body,device,yes_no,one_of,any_of,number', ...rows.map((row) => row.join())].join('\n')}\n`;
}

const HEAD = 'id,customer,sent,body,device';

/** A CSV file of messages. */
export const inboxFile = (lines: readonly string[]): string => `${[HEAD, ...lines].join('\n')}\n`;

/** The records of an exported CSV file, by the names of its columns. */
export async function exported(
  { store }: Workspace,
  { runId }: Pick<Night, 'runId'>,
  table: string,
): Promise<Record<string, string | null>[]> {
  for await (const { key } of store.list(`exports/${table}/csv/`)) {
    if (!key.includes(runId)) continue;
    return parsed(gunzipSync((await getBytes(store, key))!).toString());
  }
  throw new Error(`${table} was not exported`);
}

/** Reads CSV as others do. */
export async function parsed(csv: string): Promise<Record<string, string | null>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const file = `${await temporaryFolder()}/table.csv`;
    await writeFile(file, csv);
    const result = await connection.runAndReadAll(
      `SELECT * FROM read_csv('${file}', header = true, all_varchar = true, delim = ',', quote = '"')`,
    );
    return result.getRowObjectsJson() as Record<string, string | null>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
