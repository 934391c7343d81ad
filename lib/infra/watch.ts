import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type IRule, Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { ALARMS, type AlarmRow, RUNBOOK } from './alarms.ts';
import type { NightlyParts } from './nightly.ts';
import type { BatchParts, IngestParts, Setting, StorageParts } from './shared.ts';
import { NightDashboard } from './watch-dashboard.ts';
import type { Watched } from './watch-metrics.ts';
import { AlarmTopic } from './watch-topic.ts';

/** Shares of the month's budget that are told once they are spent. */
const SPENT_PERCENT = [80, 100] as const;

export interface WatchProps extends StackProps {
  readonly setting: Setting;
  readonly storage: StorageParts;
  readonly batch: BatchParts;
  readonly ingest: IngestParts;
  readonly nightly: NightlyParts;
}

/** Tells people: alarms and a budget to a topic, and a page that shows the night. */
export class WatchStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { setting, storage, batch, ingest, nightly, ...props }: WatchProps,
  ) {
    super(scope, id, props);
    const { alarmEmail, disposable } = setting.deploy;
    const { topic } = new AlarmTopic(this, 'Alarms', {
      email: alarmEmail,
      // A key costs a dollar a month.
      key: disposable ? storage.dataKey : undefined,
    });
    const { environment } = setting;
    const watched: Watched = { environment, storage, ingest, nightly, blocked: this.#blocked(batch, topic) };
    const alarms = ALARMS.map((row) => this.#alarm(row, watched, topic));
    const { dashboard, budgetUsd } = setting.deploy;
    if (dashboard) new NightDashboard(this, 'Night', { watched, alarms });
    if (budgetUsd !== false) this.#budget(budgetUsd, topic);
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn });
  }

  #alarm(row: AlarmRow, watched: Watched, topic: ITopic): Alarm {
    const alarm = new Alarm(this, row.name, {
      // A name, as it is the subject of the message.
      alarmName: `nightjar-${watched.environment}-${row.name}`,
      alarmDescription: `${row.why} What to do: ${RUNBOOK}#${row.runbook}`,
      metric: row.metric(watched),
      threshold: typeof row.threshold === 'function' ? row.threshold(watched) : row.threshold,
      comparisonOperator:
        row.rings === 'above'
          ? ComparisonOperator.GREATER_THAN_THRESHOLD
          : ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 1,
      treatMissingData: row.silence === 'rings' ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    return alarm;
  }

  /**
   * AWS Batch has no metric for jobs that wait, but sends an event when one at the head of its queue cannot be started,
   * with the reason. The event itself goes to the topic, as an alarm cannot name the job; the alarm counts the events.
   */
  #blocked({ jobQueues }: BatchParts, topic: ITopic): IRule {
    const rule = new Rule(this, 'Blocked', {
      description: 'Jobs that stay RUNNABLE and block their queue',
      eventPattern: {
        source: ['aws.batch'],
        detailType: ['Batch Job Queue Blocked'],
        detail: { jobQueue: jobQueues.map(({ arn }) => arn) },
      },
    });
    rule.addTarget(new SnsTopic(topic));
    return rule;
  }

  /**
   * Of the whole account: a budget of our tags alone would stay at zero until somebody activates them for billing, and
   * nobody would be told that it does not count.
   */
  #budget(amount: number, topic: ITopic): void {
    const notify = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
      notification: {
        notificationType,
        comparisonOperator: 'GREATER_THAN',
        threshold,
        thresholdType: 'PERCENTAGE',
      },
      subscribers: [{ subscriptionType: 'SNS', address: topic.topicArn }],
    });
    new CfnBudget(this, 'Budget', {
      budget: { budgetType: 'COST', timeUnit: 'MONTHLY', budgetLimit: { amount, unit: 'USD' } },
      notificationsWithSubscribers: [
        ...SPENT_PERCENT.map((percent) => notify('ACTUAL', percent)),
        notify('FORECASTED', 100),
      ],
    });
  }
}
