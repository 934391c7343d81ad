import { Annotations, CfnOutput } from 'aws-cdk-lib';
import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import {
  Alarm,
  AnomalyDetectionAlarm,
  ComparisonOperator,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type IRule, Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ALARMS, type AlarmRow, RUNBOOK } from './alarms.ts';
import type { NightlyParts } from './nightly.ts';
import type { BatchParts, IngestParts, Setting, StorageParts } from './shared.ts';
import { NightDashboard } from './watch-dashboard.ts';
import type { Watched } from './watch-metrics.ts';
import { AlarmTopics } from './watch-topic.ts';

/** Shares of the month's budget that are told once they are spent. */
const SPENT_PERCENT = [80, 100] as const;

export interface NightjarWatchProps {
  readonly setting: Setting;
  readonly storage: StorageParts;
  readonly batch: BatchParts;
  readonly ingest: IngestParts;
  readonly nightly: NightlyParts;
}

/** Tells people: alarms and a budget to a topic, and a page that shows the night. */
export class NightjarWatch extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { setting, storage, batch, ingest, nightly }: NightjarWatchProps,
  ) {
    super(scope, id);
    const { alarmEmail, noticeEmail, disposable } = setting.deploy;
    const topics = new AlarmTopics(this, 'Alarms', {
      email: alarmEmail,
      noticeEmail: noticeEmail ?? alarmEmail,
      // A key costs a dollar a month.
      key: disposable ? storage.dataKey : undefined,
    });
    const { environment } = setting;
    const blocked = this.#blocked(batch, topics.urgent);
    const watched: Watched = { environment, storage, ingest, nightly, blocked };
    const { dashboard, budgetUsd, runbook = RUNBOOK } = setting.deploy;
    const alarms = ALARMS.map((row) => {
      const alarm = this.#alarm(row, watched, runbook);
      const action = new SnsAction(row.severity === 'urgent' ? topics.urgent : topics.notices);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
    if (setting.deploy.runbook === undefined) {
      Annotations.of(this).addWarningV2(
        'nightjar:runbook',
        'deploy.runbook is not set: alarms name docs/operations.md, and not where whoever is called can read it',
      );
    }
    if (dashboard) new NightDashboard(this, 'Night', { watched, alarms });
    if (budgetUsd !== false) this.#budget(budgetUsd, topics.notices);
    new CfnOutput(this, 'AlarmTopic', { value: topics.urgent.topicArn });
    new CfnOutput(this, 'NoticeTopic', { value: topics.notices.topicArn });
  }

  #alarm(row: AlarmRow, watched: Watched, runbook: string): Alarm {
    const metric = row.metric(watched);
    const threshold = typeof row.threshold === 'function' ? row.threshold(watched) : row.threshold;
    const common = {
      // A name, as it is the subject of the message.
      alarmName: `nightjar-${watched.environment}-${row.name}`,
      alarmDescription: `${row.why} What to do: ${runbook}#${row.runbook}`,
      evaluationPeriods: row.periods ?? 1,
      treatMissingData: row.silence === 'rings' ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
    };
    if (row.rings === 'outside') {
      return new AnomalyDetectionAlarm(this, row.name, { ...common, metric, stdDevs: threshold });
    }
    return new Alarm(this, row.name, {
      ...common,
      metric,
      threshold,
      comparisonOperator:
        row.rings === 'above'
          ? ComparisonOperator.GREATER_THAN_THRESHOLD
          : ComparisonOperator.LESS_THAN_THRESHOLD,
    });
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
        detail: { jobQueue: jobQueues.map(({ arn }) => arn(this)) },
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
