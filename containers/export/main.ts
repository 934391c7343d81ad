import { createPseudonyms, loadOrCreateKey } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { runJob, variable } from '../../lib/run/job.ts';

await runJob(async ({ store, runId, progress }) => {
  const pseudonyms = createPseudonyms(await loadOrCreateKey(variable('NIGHTJAR_KEY_FILE')));
  await exportRun({ store, runId, pseudonyms, now: () => new Date(), progress });
});
