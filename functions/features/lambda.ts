import { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { flushing, openGiveBack, openMetrics, openStore } from '../../lib/runtime/aws/index.ts';
import { sentenceOf } from '../../lib/runtime/index.ts';
import { readSetting } from '../setting.ts';
import { makeHandler } from './handler.ts';

const { env } = process;
const logger = new Logger({ serviceName: 'features' });
const metrics = openMetrics('features', env);

// Once per process: what fails here fails the start, and the messages come again.
const { config } = await readSetting(env);
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
});

export const handler = flushing(metrics, handle);
