/**
 * Asks the other reading for all seeds and writes recorded.json.gz anew. Run it when the generator or the other reading has
 * changed, with a Python that has pyarrow:
 *
 *     NIGHTJAR_PYTHON=… node --import tsx test/differential/record.ts
 */
import { compareSeeds, shown } from './batch.ts';
import { caseId } from './generate.ts';
import { outcomeId, short, writeRecorded } from './recorded.ts';
import { BATCH, FAST_SEEDS, SEEDS } from './seeds.ts';

const outcomes: Record<string, [string, string]> = {};
const parquet: Record<string, string> = {};
let faults = 0;
for (let from = 0; from < SEEDS.length; from += BATCH) {
  await compareSeeds(SEEDS.slice(from, from + BATCH), (compared) => {
    const { one, bytes, expected, differences } = compared;
    outcomes[one.seed] = [short(caseId(one)), outcomeId(expected)];
    if (one.parquet && FAST_SEEDS.includes(one.seed))
      parquet[one.seed] = Buffer.from(bytes).toString('base64');
    if (differences.length > 0) console.error(shown(compared));
    faults += Math.sign(differences.length);
  });
}
if (faults > 0) {
  console.error(`nothing was recorded: ${faults} of ${SEEDS.length} files are read in two ways`);
  process.exitCode = 1;
} else await writeRecorded({ outcomes, parquet });
