import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Case, generate } from './generate.ts';
import { differences, nightjarOutcome, type Outcome } from './outcome.ts';

const SEES =
  'import sys, pyarrow.parquet, numpy, zoneinfo; zoneinfo.ZoneInfo("Australia/Lord_Howe"); assert sys.version_info >= (3, 11)';

/** A Python that can give the other reading: NIGHTJAR_PYTHON, else the one on the path. */
export const python = [process.env.NIGHTJAR_PYTHON, 'python3'].find(
  (name) => name && spawnSync(name, ['-c', SEES], { stdio: 'ignore' }).status === 0,
);

export interface Compared {
  readonly one: Case;
  readonly bytes: Uint8Array;
  readonly ours: Outcome;
  readonly expected: Outcome;
  readonly differences: readonly string[];
}

/** Reads the files of some seeds in both ways. @param visit gets each comparison, so that none has to be kept */
export async function compareSeeds(
  seeds: readonly number[],
  visit: (compared: Compared) => void,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-differential-'));
  try {
    const cases = seeds.map(generate);
    const lines: string[] = [];
    for (const { bytes, text: _, ...rest } of cases) {
      const file = `${rest.seed}.bin`;
      if (bytes) await writeFile(join(folder, file), bytes);
      lines.push(`${JSON.stringify({ ...rest, file })}\n`);
    }
    await writeFile(join(folder, 'cases.jsonl'), lines.join(''));
    const program = fileURLToPath(new URL('./reading/read.py', import.meta.url));
    const ended = spawnSync(python!, ['-B', program, folder], { encoding: 'utf8' });
    if (ended.status !== 0) throw new Error(`the other reading failed: ${ended.stderr}`);
    const told = (await readFile(join(folder, 'expected.jsonl'), 'utf8')).trim().split('\n');
    for (const [i, one] of cases.entries()) {
      const { seed, ...expected } = JSON.parse(told[i]!);
      if (seed !== one.seed) throw new Error(`seed ${one.seed} was answered as ${seed}`);
      const bytes = await readFile(join(folder, `${seed}.bin`));
      const own = join(folder, String(seed));
      const ours = await nightjarOutcome(one, bytes, own);
      visit({ one, bytes, ours, expected, differences: differences(ours, expected) });
      await rm(own, { recursive: true, force: true });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A comparison as a failing test shows it. */
export function shown({ one, differences: told }: Compared): string {
  const file = JSON.stringify(one.parquet ?? one.text);
  return `seed ${one.seed}: ${told.slice(0, 4).join('\n  ')}\n  source ${JSON.stringify(one.source)}\n  shop ${JSON.stringify(one.shop)}\n  file ${file.slice(0, 1500)}`;
}
