import { Duration } from 'aws-cdk-lib';
import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  counted,
  finishedByHour,
  matched,
  oldest,
  timeoutOf,
  type Watched,
  waiting,
} from './watch-metrics.ts';

/** One alarm. */
export interface AlarmRow {
  /** Last part of the alarm's name. */
  readonly name: string;
  readonly metric: (watched: Watched) => IMetric;
  /** `outside`: of the band that CloudWatch expects from the weeks before, as many standard deviations wide as the threshold. */
  readonly rings: 'above' | 'below' | 'outside';
  readonly threshold: number | ((watched: Watched) => number);
  /** Periods in a row that must be so. Default: 1. */
  readonly periods?: number;
  /** `urgent`: the night is in danger, wake somebody. `notice`: look at it in the morning. */
  readonly severity: 'urgent' | 'notice';
  /** No data at all: nothing happened, and that is fine, or that is the very thing to tell. */
  readonly silence: 'fine' | 'rings';
  /** What it means to whoever gets it. */
  readonly why: string;
  /** Section of docs/operations.md that says what to do: the anchor of its heading. */
  readonly runbook: string;
}

/** The page that every description points into; `deploy.runbook` says where it can be read. */
export const RUNBOOK = 'docs/operations.md';

const HOUR_SECONDS = 3600;
const QUARTER = Duration.minutes(15);
/** Of its time, from which on a function will soon be cut off. */
const NEARLY = 0.8;

/** What is watched in one function. Errors are crashes and time-outs: a drop that is refused is no error. */
const functionRows = (name: string, of: (watched: Watched) => IFunction): AlarmRow[] => [
  {
    name: `${name}Errors`,
    metric: (watched) => of(watched).metricErrors({ statistic: Stats.SUM, period: QUARTER }),
    rings: 'above',
    threshold: 2,
    silence: 'fine',
    severity: name === 'Dispatch' ? 'urgent' : 'notice',
    why: `The function ${name.toLowerCase()} crashed or ran out of time three times within a quarter of an hour.`,
    runbook: 'a-function-fails',
  },
  {
    name: `${name}Throttled`,
    metric: (watched) => of(watched).metricThrottles({ statistic: Stats.SUM, period: QUARTER }),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: name === 'Dispatch' ? 'urgent' : 'notice',
    why: `The account had no room to run the function ${name.toLowerCase()}.`,
    runbook: 'a-function-fails',
  },
  {
    name: `${name}Slow`,
    metric: (watched) => of(watched).metricDuration({ statistic: Stats.MAXIMUM, period: QUARTER }),
    rings: 'above',
    threshold: (watched) => timeoutOf(of(watched)).toMilliseconds() * NEARLY,
    silence: 'fine',
    severity: name === 'Dispatch' ? 'urgent' : 'notice',
    why: `A call of the function ${name.toLowerCase()} took more than four fifths of the time that it may take.`,
    runbook: 'a-function-fails',
  },
];

/** Everything that wakes somebody, in the order of a night. */
export const ALARMS: readonly AlarmRow[] = [
  {
    name: 'CleanDead',
    metric: ({ storage }) => waiting(storage.cleanDead),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'notice',
    why: 'The message of a drop failed three times; the drop is not in the nights until it is sent again.',
    runbook: 'dead-letters',
  },
  {
    name: 'FeaturesDead',
    metric: ({ storage }) => waiting(storage.featuresDead),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'notice',
    why: 'The message of clean rows failed three times; they are not in the nights until it is sent again.',
    runbook: 'dead-letters',
  },
  {
    name: 'CleanBehind',
    metric: ({ storage }) => oldest(storage.cleanQueue),
    rings: 'above',
    threshold: HOUR_SECONDS,
    silence: 'fine',
    severity: 'notice',
    why: 'A drop has waited for more than an hour to be cleaned.',
    runbook: 'a-queue-falls-behind',
  },
  {
    name: 'FeaturesBehind',
    metric: ({ storage }) => oldest(storage.featuresQueue),
    rings: 'above',
    threshold: HOUR_SECONDS,
    silence: 'fine',
    severity: 'notice',
    why: 'Clean rows have waited for more than an hour to become rows of days.',
    runbook: 'a-queue-falls-behind',
  },
  {
    name: 'DropsRefused',
    metric: (watched) => counted(watched, 'clean', 'DropsRefused'),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'notice',
    why: 'A drop cannot be read and was refused whole; its quality file says why.',
    runbook: 'a-drop-was-refused',
  },
  {
    name: 'VolumeUnusual',
    metric: (watched) => counted(watched, 'clean', 'RowsIn').with({ period: Duration.days(1) }),
    rings: 'outside',
    threshold: 4,
    silence: 'fine',
    severity: 'notice',
    why: 'A day brought far more or far fewer rows than such days did before.',
    runbook: 'the-volume-is-unusual',
  },
  ...functionRows('Clean', ({ ingest }) => ingest.clean),
  ...functionRows('Features', ({ ingest }) => ingest.features),
  ...functionRows('Dispatch', ({ nightly }) => nightly.dispatch),
  {
    name: 'NoTicks',
    // A heartbeat calls every hour, for the first time when it is deployed.
    metric: ({ nightly }) =>
      nightly.dispatch.metricInvocations({ statistic: Stats.SUM, period: Duration.hours(1) }),
    rings: 'below',
    threshold: 1,
    periods: 3,
    silence: 'rings',
    severity: 'urgent',
    why: 'Nobody called the dispatch function for three hours: no night can start.',
    runbook: 'no-ticks',
  },
  {
    name: 'CallsUndelivered',
    metric: ({ nightly }) => waiting(nightly.undelivered),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'urgent',
    why: 'The scheduler could not call the dispatch function, or a call of it failed three times.',
    runbook: 'no-ticks',
  },
  {
    name: 'DropsMissing',
    metric: (watched) => counted(watched, 'dispatch', 'DropsMissing', Stats.MAXIMUM),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'urgent',
    why: 'At its deadline the night lacked drops that were expected or not through: it started without them, or is held.',
    runbook: 'a-night-went-without-drops',
  },
  {
    name: 'JobsBlocked',
    metric: ({ blocked }) => matched(blocked),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'urgent',
    why: 'A job stays RUNNABLE and blocks its queue: no capacity, or a setting that no host meets. A second message says which.',
    runbook: 'jobs-do-not-start',
  },
  {
    name: 'JobFailed',
    metric: (watched) => counted(watched, 'dispatch', 'JobFailed', Stats.MAXIMUM),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'urgent',
    why: 'A stage of a run failed as often as it may.',
    runbook: 'a-job-failed',
  },
  {
    name: 'ModelRefused',
    metric: (watched) => counted(watched, 'finetune', 'ModelsRefused', Stats.MAXIMUM),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'notice',
    why: 'A new model did not become champion: a check failed, or it knew too little. The one before goes on scoring.',
    runbook: 'a-new-model-was-refused',
  },
  {
    name: 'ExportMissing',
    metric: (watched) => counted(watched, 'dispatch', 'ExportMissing', Stats.MAXIMUM),
    rings: 'above',
    threshold: 0,
    silence: 'fine',
    severity: 'urgent',
    why: 'Two hours after the deadline no finished export of today stands; or it is finished and held back, as its data look wrong.',
    runbook: 'the-export-is-missing',
  },
  {
    name: 'ExportLate',
    // Ticks go on until two hours after the deadline and see a night that is finished, so a day without one ends there.
    // Beside ExportMissing, which needs the watchdog to be called and to answer.
    metric: finishedByHour,
    rings: 'below',
    threshold: 1,
    periods: 24,
    // Without any call there is another alarm.
    silence: 'fine',
    severity: 'urgent',
    why: 'For 24 hours no call of the dispatch function has seen a finished night: the last export is older than a day.',
    runbook: 'the-export-is-missing',
  },
];
