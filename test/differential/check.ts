import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareSeeds, python, shown } from './batch.ts';
import { caseId, generate } from './generate.ts';
import { nightjarOutcome } from './outcome.ts';
import { outcomeId, readRecorded, short } from './recorded.ts';

/** What was found wrong with the files of some seeds, and how many there were to look at. */
export interface Checked {
  readonly faults: readonly string[];
  readonly files: number;
  readonly refused: number;
  readonly rows: number;
  /** Files that only pyarrow can write, where it is absent. */
  readonly leftOut: number;
}

/** Reads the files of the seeds in both ways; where there is no Python, Nightjar's way is held against what was recorded. */
export async function check(seeds: readonly number[]): Promise<Checked> {
  const recorded = await readRecorded();
  const faults: string[] = [];
  let [files, refused, rows, leftOut] = [0, 0, 0, 0];
  if (python) {
    await compareSeeds(seeds, (compared) => {
      const { one, expected, differences } = compared;
      files += 1;
      if (expected.status === 'refused') refused += 1;
      else rows += expected.rowsIn;
      if (differences.length > 0) faults.push(shown(compared));
      const known = recorded.outcomes[one.seed];
      if (known && (known[0] !== short(caseId(one)) || known[1] !== outcomeId(expected))) {
        faults.push(`seed ${one.seed}: another file or another reading than was recorded: run record.ts`);
      }
    });
    return { faults, files, refused, rows, leftOut };
  }
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-differential-'));
  try {
    for (const seed of seeds) {
      const one = generate(seed);
      const [drawn, expected] = recorded.outcomes[seed] ?? [];
      if (drawn !== short(caseId(one))) {
        faults.push(`seed ${seed}: another file than was recorded: run record.ts where there is pyarrow`);
        continue;
      }
      const stored = recorded.parquet[seed];
      const bytes = one.bytes ?? (stored ? Buffer.from(stored, 'base64') : undefined);
      if (!bytes) {
        leftOut += 1;
        continue;
      }
      const own = join(folder, String(seed));
      const ours = await nightjarOutcome(one, bytes, own);
      await rm(own, { recursive: true, force: true });
      files += 1;
      if (ours.status === 'refused') refused += 1;
      else rows += ours.rowsIn;
      if (outcomeId(ours) !== expected)
        faults.push(`seed ${seed}: not what was recorded: ${JSON.stringify(one.source)}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { faults, files, refused, rows, leftOut };
}

if (!python) {
  console.warn(
    'left out: the other reading of generated files, by pyarrow (NIGHTJAR_PYTHON names a Python that has it); what it once said is recorded',
  );
}
