import { Metrics } from '@aws-lambda-powertools/metrics';

/** Metrics of a service as lines of its log, by which CloudWatch counts them; deployments of one account count apart. */
export function openMetrics(
  serviceName: 'clean' | 'features' | 'dispatch',
  env: Readonly<Record<string, string | undefined>>,
): Metrics {
  const environment = env.NIGHTJAR_ENVIRONMENT ?? 'prod';
  return new Metrics({ namespace: 'Nightjar', serviceName, defaultDimensions: { environment } });
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
