import { Logger } from '@aws-lambda-powertools/logger';
import { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { TickResult } from '../../lib/run/index.ts';
import { flushing, openBatchFrom, openMetrics, openStore, openTraces } from '../../lib/runtime/aws/index.ts';
import { readSetting } from '../setting.ts';
import { makeHandler } from './handler.ts';
import { resender } from './resend.ts';
import { traced } from './tracing.ts';

const { env } = process;
const logger = new Logger({ serviceName: 'dispatch' });
const metrics = openMetrics('dispatch', env);

// Once per process: what fails here fails the start, and the schedule calls again.
const resend = resender(env);
const setting = await readSetting(env);
const store = await openStore(env);
const traces = openTraces(env, (warning) => logger.warn(warning));
const call = makeHandler({
  ...setting,
  store,
  batch: openBatchFrom(env),
  ...(resend ? { resend } : {}),
  clock: () => new Date(),
});
const handle = traces ? traced(call, { traces, store, config: setting.config, logger }) : call;

export const handler = flushing(
  metrics,
  async (event: unknown, { awsRequestId }: { readonly awsRequestId: string }): Promise<TickResult> => {
    const result = await handle(event);
    logger.info(`${result.kind} ${result.state}`, { correlation_id: awsRequestId, ...shortened(result) });
    // A metric is paid for by the hours in which it is sent, and heartbeats come in all of them.
    if (result.kind !== 'heartbeat') count(result);
    return result;
  },
);

/** A log line has a limit; the answer and the run's manifest hold the whole lists. */
function shortened({ missing, stale, ...rest }: TickResult) {
  return { ...rest, missing: missing.slice(0, LISTED), stale: stale.slice(0, LISTED) };
}

const LISTED = 20;

function count({
  kind,
  state,
  pending,
  missing,
  others,
  exportMissing,
  exportHeld,
  nightBefore,
}: TickResult): void {
  const add = (name: string, value: number) => metrics.addMetric(name, MetricUnit.Count, value);
  add('DropsPending', pending);
  // A night that still waits may yet be complete, and a refused file has an alarm of its own.
  const decided = kind === 'tick' && state !== 'idle' && state !== 'waiting';
  add('DropsMissing', decided ? missing.filter((one) => one.kind !== 'refused').length : 0);
  add('NightStarted', kind === 'tick' && state === 'started' ? 1 : 0);
  add('NightFinished', kind === 'tick' && state === 'finished' ? 1 : 0);
  if (nightBefore !== undefined) add('NightBefore', Number(nightBefore));
  add('JobFailed', [state, ...others.map((other) => other.state)].filter((s) => s === 'failed').length);
  // A night that is held back needs a person at once.
  if (kind === 'watchdog' || exportHeld) add('ExportMissing', (exportMissing ?? exportHeld) ? 1 : 0);
}
