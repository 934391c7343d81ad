import { availableParallelism } from 'node:os';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { cleanDrop, engineWithin } from '../../lib/clean/index.ts';
import { parseConfig } from '../../lib/config/index.ts';
import { createPseudonyms, dropId } from '../../lib/data/index.ts';
import { memoryMiB, startJob, variable } from '../../lib/run/job.ts';
import { openMetrics } from '../../lib/runtime/aws/index.ts';
import { nightOf, nightTrace, type ObjectStore, readJson } from '../../lib/runtime/index.ts';

const readConfig = async (store: ObjectStore) =>
  parseConfig(await readJson<unknown>(store, variable('NIGHTJAR_CONFIG')), variable('NIGHTJAR_CONFIG'));

// The same work as the function's, for a drop that is too large for it.
await startJob(
  'clean',
  async ({ store, key, progress, note }) => {
    const { status } = await cleanDrop({
      store,
      config: await readConfig(store),
      pseudonyms: createPseudonyms(await key()),
      key: variable('NIGHTJAR_DROP'),
      engine: engineWithin(memoryMiB(process.env), availableParallelism()),
    });
    progress(`${variable('NIGHTJAR_DROP')}: ${status}`);
    note({ status }, status === 'refused');
    // Counted as the function counts its own: the alarm on refused drops must ring for large ones too.
    const metrics = openMetrics('clean', process.env);
    metrics.addMetric('DropsCleaned', MetricUnit.Count, status === 'clean' ? 1 : 0);
    metrics.addMetric('DropsRefused', MetricUnit.Count, status === 'refused' ? 1 : 0);
    metrics.publishStoredMetrics();
  },
  {
    onTerminate: 'exit',
    // As the function's: of the night that it is cleaned for.
    trace: async (store, environment) => {
      const config = await readConfig(store);
      const day = nightOf(config, new Date());
      return {
        traceId: nightTrace(environment, config, day),
        annotations: { as_of: day, drop: dropId(variable('NIGHTJAR_DROP')) },
      };
    },
  },
);
