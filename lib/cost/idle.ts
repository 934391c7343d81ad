import { usesGpu } from '../config/index.ts';
import type { Line, Load } from './load.ts';
import { PRICES } from './prices.ts';

const MONTH_DAYS = 365 / 12;
/**
 * One alarm looks at a band, and counts as three. Metrics of the ticks come in the hours of the night alone, those of the
 * functions (7) and of jobs (6) with their work. A test holds them to what the stacks have.
 */
export const WATCHED = { alarms: 25, metricsOfTicks: 7, hoursOfTicks: 6, metricsOfWork: 13 };
/** Interface endpoints, and zones in which each stands. Hosts of our own need three of them, traces one. */
const ENDPOINTS = { always: 4, hosts: 3, traces: 1, zones: 2 };
const POLLS_PER_DAY = (2 * 5 * 86_400) / 20;

/** What stands, and is paid for, while nothing happens. */
export function idle({ deploy }: Load): Line[] {
  const line = (what: string, amount: number, unit: string, month: number, from: string): Line => ({
    part: 'idle',
    what,
    amount,
    unit,
    usd: month / MONTH_DAYS,
    from,
  });
  const { cloudWatch } = PRICES;
  const hours = 24 * MONTH_DAYS;
  const endpoints =
    ENDPOINTS.always + (usesGpu(deploy) ? ENDPOINTS.hosts : 0) + (deploy.tracing ? ENDPOINTS.traces : 0);
  const standing = endpoints * ENDPOINTS.zones;
  // In `dev` one key does for data, pseudonyms and alarms.
  const keys = deploy.disposable ? 1 : 3;
  const { alarms, metricsOfTicks, hoursOfTicks } = WATCHED;
  const metrics = (metricsOfTicks * hoursOfTicks) / 24;
  const polls = POLLS_PER_DAY * MONTH_DAYS;
  return [
    ...(deploy.network === 'endpoints'
      ? [
          line(
            'interface endpoints',
            standing,
            'endpoint zones',
            standing * hours * PRICES.interfaceEndpointHour,
            'lib/infra/network-endpoints.ts; none with network: public-egress',
          ),
        ]
      : []),
    line('KMS keys', keys, 'keys', keys * PRICES.kms.keyMonth, 'lib/infra: data, pseudonyms, alarms'),
    line('pseudonym secret', 1, 'secrets', PRICES.secretMonth, 'lib/infra/storage.ts'),
    line('alarms', alarms, 'alarms', alarms * cloudWatch.alarmMonth, 'lib/infra/alarms.ts'),
    line(
      'metrics of the tick',
      metrics,
      'metrics',
      metrics * cloudWatch.metricMonth,
      'seven, in the hours in which the tick runs',
    ),
    ...(deploy.dashboard
      ? [line('dashboard', 1, 'dashboards', cloudWatch.dashboardMonth, 'lib/infra/watch-dashboard.ts')]
      : []),
    line(
      'SQS, polls',
      POLLS_PER_DAY,
      'requests a day',
      (polls / 1e6) * PRICES.sqs.requestsPerMillion,
      'two queues, five pollers each, 20 s a poll',
    ),
  ];
}
