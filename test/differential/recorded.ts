import { readFile, writeFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sha256 } from '../../lib/data/index.ts';
import { canonical, type Outcome } from './outcome.ts';

/** What the other reading said when it was last asked, for machines without it. Written by `record.ts`. */
export interface Recorded {
  /** By seed: the file that was drawn, and what became of it. */
  readonly outcomes: Readonly<Record<string, readonly [string, string]>>;
  /** Parquet files of the seeds that every run of the tests looks at, base64. */
  readonly parquet: Readonly<Record<string, string>>;
}

const FILE = new URL('./recorded.json.gz', import.meta.url);

export async function readRecorded(): Promise<Recorded> {
  return JSON.parse(gunzipSync(await readFile(FILE)).toString());
}

export async function writeRecorded(recorded: Recorded): Promise<void> {
  await writeFile(FILE, gzipSync(JSON.stringify(recorded), { level: 9 }));
}

/** Short name of a text: enough to see that it is another one. */
export const short = (text: string): string => sha256(text).slice(0, 8);

export const outcomeId = (outcome: Outcome): string => short(canonical(outcome));
