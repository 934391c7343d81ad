import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** Metrics of a service as lines of its log, by which CloudWatch counts them; deployments of one account count apart. */
export function openMetrics(
  serviceName: 'clean' | 'features' | 'dispatch' | 'finetune' | 'score',
  env: Readonly<Record<string, string | undefined>>,
): Metrics {
  const environment = env.NIGHTJAR_ENVIRONMENT ?? 'prod';
  return new Metrics({ namespace: 'Nightjar', serviceName, defaultDimensions: { environment } });
}

/**
 * What a job did, as metrics; CloudWatch reads them from the job's log as well. Nothing on one machine.
 * @param values by their names, such as `Users`
 * @param ms what it took
 */
export function countJob(
  job: 'finetune' | 'score',
  env: Readonly<Record<string, string | undefined>>,
  values: Readonly<Record<string, number>>,
  ms: number,
): void {
  if (!env.NIGHTJAR_DATA_BUCKET) return;
  const metrics = openMetrics(job, env);
  metrics.addMetric('Seconds', MetricUnit.Seconds, ms / 1000);
  for (const [name, value] of Object.entries(values)) metrics.addMetric(name, MetricUnit.Count, value);
  metrics.addMetadata('device', env.NIGHTJAR_DEVICE ?? 'cpu');
  metrics.publishStoredMetrics();
}

/** A handler whose metrics are written however it ends: what was counted before it threw has happened. */
export function flushing<A extends unknown[], R>(
  metrics: { publishStoredMetrics(): unknown },
  handle: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    try {
      return await handle(...args);
    } finally {
      metrics.publishStoredMetrics();
    }
  };
}
