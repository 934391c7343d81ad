import { finetuneRun } from '../../lib/models/index.ts';
import { runJob } from '../../lib/run/job.ts';

await runJob('finetune', async ({ store, runId, progress, signal }) => {
  await finetuneRun({ store, runId, progress, signal });
});
