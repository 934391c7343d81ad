import { settleDevice } from '../../lib/run/device.ts';
import { readRunHead } from '../../lib/run/index.ts';
import { runJob, shardRange, variable } from '../../lib/run/job.ts';
import { countJob } from '../../lib/runtime/aws/index.ts';
import { scoreRun } from '../../lib/score/index.ts';

await runJob('score', async ({ store, runId, progress, signal, note }) => {
  await settleDevice();
  const { shards } = await readRunHead(store, runId);
  const index = Number(process.env.AWS_BATCH_JOB_ARRAY_INDEX ?? 0);
  const started = performance.now();
  const range = shardRange(shards, Number(variable('NIGHTJAR_CHILDREN')), index);
  note({ shards: `${range.from}-${range.to - 1}` });
  const { users } = await scoreRun({ store, runId, shards: range, progress, signal });
  note({ users });
  const ms = performance.now() - started;
  // What was scored before took no time, and has no speed.
  const speed = users > 0 ? { UsersPerSecond: users / (ms / 1000) } : {};
  countJob('score', process.env, { Users: users, ...speed }, ms);
});
