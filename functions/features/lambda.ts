import { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { flushing, openGiveBack, openMetrics, openStore, openTraces } from '../../lib/runtime/aws/index.ts';
import { sentenceOf } from '../../lib/runtime/index.ts';
import { readSetting } from '../setting.ts';
import { tracing } from '../tracing.ts';
import { makeHandler } from './handler.ts';

const { env } = process;
const logger = new Logger({ serviceName: 'features' });
const metrics = openMetrics('features', env);

// Once per process: what fails here fails the start, and the messages come again.
const { config } = await readSetting(env);
const traces = openTraces(env, (warning) => logger.warn(warning));
const handle = makeHandler({
  store: await openStore(env),
  config,
  onDays: (cleanKey, messageId) => {
    logger.info('day rows built', { correlation_id: messageId, key: cleanKey });
    metrics.addMetric('DayFiles', MetricUnit.Count, 1);
  },
  onError: (error, messageId, key) => {
    logger.error('day rows failed', { correlation_id: messageId, key, error: sentenceOf(error) });
  },
  giveBack: openGiveBack(),
  ...(traces && {
    around: tracing<{ written: boolean }>({
      traces,
      stage: 'features',
      config,
      // clean/events/<dropId>/<revision>.arrow
      dropOf: (key) => key.split('/')[2] ?? '',
      told: ({ written }) => ({ annotations: { written } }),
      logger,
    }),
  }),
});

export const handler = flushing(metrics, handle);
