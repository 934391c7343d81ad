import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IRule } from 'aws-cdk-lib/aws-events';
import { type IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { NightlyParts } from './nightly.ts';
import type { IngestParts, StorageParts } from './shared.ts';

/** What alarms and dashboard look at. */
export interface Watched {
  /** Deployments of one account count apart. */
  readonly environment: string;
  readonly storage: StorageParts;
  readonly ingest: IngestParts;
  readonly nightly: NightlyParts;
  /** Matches each event that tells of a job that cannot be started. */
  readonly blocked: IRule;
}

/** What our functions count themselves, as they name it. */
export const COUNTED = {
  clean: ['DropsCleaned', 'DropsRefused', 'DropsSentToBatch', 'DropsTakenOver', 'RowsIn', 'RowsQuarantined'],
  features: ['DayFiles'],
  dispatch: [
    'DropsPending',
    'DropsMissing',
    'NightStarted',
    'NightFinished',
    'NightBefore',
    'JobFailed',
    'ExportMissing',
  ],
  finetune: ['ModelsRefused'],
} as const;

type Service = keyof typeof COUNTED;

/** Shorter than two ticks, so that each tick has a value of its own. */
const TICK = Duration.minutes(5);

export function counted<S extends Service>(
  { environment }: Watched,
  service: S,
  metricName: (typeof COUNTED)[S][number],
  statistic: string = Stats.SUM,
): Metric {
  return new Metric({
    namespace: 'Nightjar',
    metricName,
    dimensionsMap: { service, environment },
    statistic,
    period: TICK,
  });
}

/**
 * Whether a tick of an hour saw the night finished: 1 or 0, also for an hour without any call. 1 as well while there was never
 * a night before: a new environment is not late.
 */
export function finishedByHour(watched: Watched): MathExpression {
  const period = Duration.hours(1);
  const hourly = (name: 'NightFinished' | 'NightBefore') =>
    counted(watched, 'dispatch', name, Stats.MAXIMUM).with({ period });
  const [finished, before] = [hourly('NightFinished'), hourly('NightBefore')];
  return new MathExpression({
    expression: 'IF(FILL(before, REPEAT) > 0, FILL(finished, 0), 1)',
    usingMetrics: { finished, before },
    label: 'NightFinished',
    period,
  });
}

export const waiting = (queue: IQueue): Metric =>
  queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: TICK });

export const oldest = (queue: IQueue): Metric =>
  queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period: TICK });

/** Events that a rule matched. Batch has no metric for waiting jobs. */
export const matched = (rule: IRule): Metric =>
  new Metric({
    namespace: 'AWS/Events',
    metricName: 'TriggeredRules',
    dimensionsMap: { RuleName: rule.ruleName },
    statistic: Stats.SUM,
    period: TICK,
  });

/** How long a call may take at most; Lambda's own limit where it is not known. */
export function timeoutOf(target: IFunction): Duration {
  return (target instanceof LambdaFunction ? target.timeout : undefined) ?? Duration.minutes(15);
}
