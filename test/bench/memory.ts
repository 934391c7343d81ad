import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { load, printTable, whole, withFolder } from './support.ts';

const SIZES = (process.env.BENCH_USERS ?? '1000000,2000000').split(',').map(Number);

/** What a night of `memory-night.ts` measured of itself. */
export interface NightMeasured {
  readonly users: number;
  readonly rows: number;
  readonly scoreSeconds: number;
  readonly exportSeconds: number;
  readonly scoreRss: number;
  readonly peakRss: number;
}

/**
 * Peak memory of a night (fold, snapshot, score, export) in one process, as the number of users grows. Takes about 20
 * minutes on two cores for one and two million users, so it runs only when it is asked for.
 */
export async function benchMemory(): Promise<void> {
  const rows: string[][] = [];
  for (const users of SIZES) {
    await withFolder(async (folder) => {
      await child(['generate', folder, String(users)]);
      const measured: NightMeasured = JSON.parse(await child(['night', folder]));
      if (measured.rows !== measured.users) {
        throw new Error(`${measured.users} users were known and ${measured.rows} rows exported`);
      }
      rows.push([
        whole(measured.users),
        (measured.scoreRss / 2 ** 20).toFixed(0),
        (measured.peakRss / 2 ** 20).toFixed(0),
        measured.scoreSeconds.toFixed(0),
        measured.exportSeconds.toFixed(0),
        whole(measured.users / measured.scoreSeconds),
        whole(measured.users / (measured.scoreSeconds + measured.exportSeconds)),
      ]);
    });
  }
  printTable(
    `a night in one process, 128 shards (load ${load()})`,
    ['users', 'MB after score', 'peak MB', 'score s', 'export s', 'scored/s', 'night users/s'],
    rows,
  );
}

/** Runs the other half of this benchmark in a process of its own. @returns what it printed */
function child(args: readonly string[]): Promise<string> {
  const script = fileURLToPath(new URL('./memory-night.ts', import.meta.url));
  const process_ = spawn(process.execPath, ['--import', 'tsx', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  process_.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  return new Promise((resolve, reject) => {
    process_.on('error', reject);
    process_.on('close', (code) =>
      code === 0 ? resolve(printed) : reject(new Error(`${args[0]} ended with code ${code}`)),
    );
  });
}
