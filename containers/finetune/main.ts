import { finetuneRun } from '../../lib/models/index.ts';
import { settleDevice } from '../../lib/run/device.ts';
import { runJob } from '../../lib/run/job.ts';

await runJob('finetune', async ({ store, runId, progress, signal }) => {
  await settleDevice();
  await finetuneRun({ store, runId, progress, signal });
});
