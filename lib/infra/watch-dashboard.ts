import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  CfnDashboard,
  Dashboard,
  GraphWidget,
  type IAlarm,
  type IMetric,
  SingleValueWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { counted, matched, oldest, type Watched, waiting } from './watch-metrics.ts';

const WIDTH = 24;

export interface NightDashboardProps {
  readonly watched: Watched;
  readonly alarms: readonly IAlarm[];
}

/** A night on one page, from top to bottom as a drop goes through it. */
export class NightDashboard extends Construct {
  constructor(scope: Construct, id: string, { watched, alarms }: NightDashboardProps) {
    super(scope, id);
    const { storage, ingest, nightly, blocked } = watched;
    const functions: [string, IFunction][] = [
      ['clean', ingest.clean],
      ['features', ingest.features],
      ['dispatch', nightly.dispatch],
    ];
    const dashboard = new Dashboard(this, 'Dashboard', {
      defaultInterval: Duration.days(1),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: WIDTH, height: 4 })],
        [
          new SingleValueWidget({
            title: 'The night',
            metrics: [
              counted(watched, 'dispatch', 'DropsPending', Stats.MAXIMUM),
              counted(watched, 'dispatch', 'NightStarted', Stats.MAXIMUM),
              counted(watched, 'dispatch', 'NightFinished', Stats.MAXIMUM),
              counted(watched, 'dispatch', 'ExportMissing', Stats.MAXIMUM),
            ],
            width: WIDTH,
            height: 3,
          }),
        ],
        graphs({
          'Waiting messages': [
            waiting(storage.cleanQueue).with({ label: 'clean' }),
            waiting(storage.featuresQueue).with({ label: 'features' }),
          ],
          'Oldest message, seconds': [
            oldest(storage.cleanQueue).with({ label: 'clean' }),
            oldest(storage.featuresQueue).with({ label: 'features' }),
          ],
          'Dead letters': [
            waiting(storage.cleanDead).with({ label: 'clean' }),
            waiting(storage.featuresDead).with({ label: 'features' }),
            waiting(nightly.undelivered).with({ label: 'dispatch' }),
          ],
        }),
        graphs({
          Drops: [
            counted(watched, 'clean', 'DropsCleaned'),
            counted(watched, 'clean', 'DropsRefused'),
            counted(watched, 'clean', 'DropsSentToBatch'),
            counted(watched, 'clean', 'DropsTakenOver'),
          ],
          Rows: [counted(watched, 'clean', 'RowsIn'), counted(watched, 'clean', 'RowsQuarantined')],
          'Day files': [counted(watched, 'features', 'DayFiles')],
        }),
        graphs({
          'Longest call, ms': functions.map(([label, f]) =>
            f.metricDuration({ statistic: Stats.MAXIMUM, label }),
          ),
          'Crashed calls': functions.map(([label, f]) => f.metricErrors({ statistic: Stats.SUM, label })),
          Jobs: [
            counted(watched, 'dispatch', 'JobFailed', Stats.MAXIMUM),
            counted(watched, 'dispatch', 'DropsMissing', Stats.MAXIMUM),
            matched(blocked).with({ label: 'blocked' }),
          ],
        }),
      ],
    });
    const resource = dashboard.node.defaultChild;
    // CloudFormation takes tags of dashboards in some regions only.
    if (resource instanceof CfnDashboard) resource.addPropertyDeletionOverride('Tags');
  }
}

/** Side by side over the whole width, by their titles. */
function graphs(metrics: Readonly<Record<string, IMetric[]>>): GraphWidget[] {
  const width = WIDTH / Object.keys(metrics).length;
  return Object.entries(metrics).map(([title, left]) => new GraphWidget({ title, left, width }));
}
