import { createPseudonyms } from '../../lib/data/index.ts';
import { exportRun } from '../../lib/export/index.ts';
import { runJob } from '../../lib/run/job.ts';

await runJob(
  'export',
  async ({ store, runId, key, progress, note }) => {
    const { rows, files } = await exportRun({
      store,
      runId,
      pseudonyms: createPseudonyms(await key()),
      now: () => new Date(),
      progress,
    });
    note({ rows, files: files.length });
  },
  { onTerminate: 'exit' },
);
