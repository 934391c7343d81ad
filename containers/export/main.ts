import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { createPseudonyms } from '../../lib/data/index.ts';
import { exportRun, serveSteps } from '../../lib/export/index.ts';
import { memoryMiB, runJob } from '../../lib/run/job.ts';
import { isAway, JOB_RETRY_S, openKey, openStore } from '../../lib/runtime/aws/index.ts';

/** Set for the processes that share out the steps of a large export. */
const WORKER = 'NIGHTJAR_EXPORT_WORKER';
/** What one of them may need: the scores of a part, and DuckDB. */
const WORKER_MIB = 1536;

const { env } = process;

if (env[WORKER] === '1') {
  serveSteps(
    async () => ({
      store: await openStore(env, JOB_RETRY_S),
      pseudonyms: createPseudonyms(await openKey(env, JOB_RETRY_S)),
    }),
    isAway,
  );
} else {
  await runJob(
    'export',
    async ({ store, runId, key, progress, note }) => {
      const { rows, files } = await exportRun({
        store,
        runId,
        pseudonyms: createPseudonyms(await key()),
        now: () => new Date(),
        progress,
        workers: {
          count: Math.min(availableParallelism(), Math.floor(memoryMiB(env) / WORKER_MIB)),
          start: () =>
            fork(process.argv[1]!, { env: { ...env, [WORKER]: '1' }, stdio: ['ignore', 2, 2, 'ipc'] }),
        },
      });
      note({ rows, files: files.length });
    },
    { onTerminate: 'exit' },
  );
}
