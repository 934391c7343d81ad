import { finetuneRun, notChampions } from '../../lib/models/index.ts';
import { settleDevice } from '../../lib/run/device.ts';
import { readManifest } from '../../lib/run/index.ts';
import { runJob } from '../../lib/run/job.ts';
import { countJob } from '../../lib/runtime/aws/index.ts';
import { readAsAsked, readersBeside } from './readers.ts';

await runJob('finetune', async ({ store, runId, progress, signal, note }) => {
  if (await readAsAsked(store, runId)) return;
  await settleDevice();
  const started = performance.now();
  const versions = await finetuneRun({ store, runId, progress, signal, beside: readersBeside() });
  const Groups = Object.keys(versions).length;
  const ModelsRefused = (await notChampions(store, runId, await readManifest(store, runId))).length;
  note({ groups: Groups, refused: ModelsRefused });
  countJob('finetune', process.env, { Groups, ModelsRefused }, performance.now() - started);
});
