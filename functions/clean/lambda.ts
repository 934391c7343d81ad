import { availableParallelism } from 'node:os';
import { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { engineWithin, removeLeftovers } from '../../lib/clean/index.ts';
import { createPseudonyms, dropId } from '../../lib/data/index.ts';
import {
  flushing,
  openBatchFrom,
  openGiveBack,
  openKey,
  openMetrics,
  openStore,
  openTraces,
} from '../../lib/runtime/aws/index.ts';
import { readSetting } from '../setting.ts';
import { tracing } from '../tracing.ts';
import { type CleanEntry, makeHandler } from './handler.ts';

const { env } = process;
const logger = new Logger({ serviceName: 'clean' });
const metrics = openMetrics('clean', env);

// Once per process: what fails here fails the start, and the messages come again.
for (const name of await removeLeftovers()) logger.warn('a killed process had left a folder', { name });
const { config, deploy } = await readSetting(env);
const traces = openTraces(env, (warning) => logger.warn(warning));
const handle = makeHandler({
  store: await openStore(env),
  config,
  pseudonyms: createPseudonyms(await openKey(env)),
  engine: engineWithin(Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE), availableParallelism()),
  large: { batch: openBatchFrom(env), limits: deploy.largeDrop },
  giveBack: openGiveBack(),
  report,
  ...(traces && {
    around: tracing<CleanEntry>({ traces, stage: 'clean', config, dropOf: dropId, told, logger }),
  }),
});

/** What a trace says of an entry: numbers and states, no names. */
function told(entry: CleanEntry) {
  const { status } = entry;
  const rows =
    status === 'clean' ? { rows: entry.rowsIn, clean: entry.clean, quarantined: entry.quarantined } : {};
  return { annotations: { status, ...rows }, refused: status === 'refused' || status === 'unusable' };
}

function report({ message, ...entry }: CleanEntry): void {
  const line = { correlation_id: message, ...entry };
  if (entry.status === 'failed') logger.error('drop failed', line);
  else if (entry.status === 'sent to batch' && entry.why === 'again')
    logger.warn('an earlier call did not end this drop: a job takes it over', line);
  else logger.info(`drop ${entry.status}`, line);
  if (entry.status === 'clean') {
    count('DropsCleaned', 1);
    count('RowsIn', entry.rowsIn);
    count('RowsQuarantined', entry.quarantined);
  }
  if (entry.status === 'refused' || entry.status === 'unusable') count('DropsRefused', 1);
  if (entry.status === 'sent to batch' && entry.submitted) {
    count('DropsSentToBatch', 1);
    if (entry.why === 'again') count('DropsTakenOver', 1);
  }
}

const count = (name: string, value: number) => metrics.addMetric(name, MetricUnit.Count, value);

export const handler = flushing(metrics, handle);
