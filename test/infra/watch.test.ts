import { readFileSync } from 'node:fs';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ALARMS, RUNBOOK } from '../../lib/infra/alarms.ts';
import { text } from './policies.ts';
import { type CloudTemplate, ofType, type Resource, synthesise } from './synthesis.ts';

const WIKI = 'https://wiki.shop.example/nightjar';
const { templates } = synthesise({
  deploy: { alarmEmail: 'nights@shop.example', budgetUsd: 450, runbook: WIKI },
});
const { watch, storage, ingest, nightly, batch } = templates;
const template = Template.fromJSON({ ...watch });
const quiet = synthesise().templates.watch;

interface AlarmProperties {
  AlarmName: string;
  AlarmDescription: string;
  MetricName?: string;
  Namespace?: string;
  Statistic?: string;
  Period?: number;
  Threshold: number;
  ComparisonOperator: string;
  TreatMissingData: string;
  EvaluationPeriods: number;
  AlarmActions: unknown[];
  OKActions: unknown[];
  Dimensions?: { Name: string; Value: unknown }[];
  Metrics?: Record<string, unknown>[];
}

const alarms = Object.fromEntries(
  ofType(watch, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => {
    const alarm: unknown = Properties;
    return [String(Properties.AlarmName).replace('nightjar-prod-', ''), alarm as AlarmProperties];
  }),
);

/** The resource whose export a stack imports: its logical id is part of the export's name. */
function imported(value: unknown, from: CloudTemplate): Resource {
  const id = Object.keys(from.Resources).find((name) => JSON.stringify(value).includes(name));
  expect(id, JSON.stringify(value)).toBeDefined();
  return from.Resources[id!]!;
}

/** Condition of what services may do on behalf of this account alone. */
const OWN = { Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } } };

const topicOf = (name: 'Urgent' | 'Notices') =>
  ofType(watch, 'AWS::SNS::Topic').find(([id]) => id.startsWith(`Alarms${name}`))![0];
const topicId = topicOf('Urgent');

describe('alarms', () => {
  it('are those of the table', () => {
    expect(Object.keys(alarms).sort()).toEqual(ALARMS.map(({ name }) => name).sort());
    expect(ALARMS.map(({ name }) => name)).toEqual([
      'CleanDead',
      'FeaturesDead',
      'CleanBehind',
      'FeaturesBehind',
      'DropsRefused',
      'VolumeUnusual',
      ...['Clean', 'Features', 'Dispatch'].flatMap((f) => [`${f}Errors`, `${f}Throttled`, `${f}Slow`]),
      'NoTicks',
      'CallsUndelivered',
      'DropsMissing',
      'JobsBlocked',
      'JobFailed',
      'ModelRefused',
      'ExportMissing',
      'ExportLate',
    ]);
  });

  it('say what they mean and where it can be read what to do, and tell their topic, also when it is over', () => {
    for (const { name, why, runbook, severity } of ALARMS) {
      expect(alarms[name]!.AlarmDescription).toBe(`${why} What to do: ${WIKI}#${runbook}`);
      const topic = [{ Ref: topicOf(severity === 'urgent' ? 'Urgent' : 'Notices') }];
      expect(alarms[name]!.AlarmActions).toEqual(topic);
      expect(alarms[name]!.OKActions).toEqual(topic);
      // CloudWatch takes no more.
      expect(alarms[name]!.AlarmDescription.length).toBeLessThanOrEqual(1024);
    }
  });

  it('name a section that the page has', () => {
    // given
    const page = readFileSync(new URL(`../../${RUNBOOK}`, import.meta.url), 'utf8');
    const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    // then
    expect(
      [...new Set(ALARMS.map(({ runbook }) => runbook))].filter((name) => !anchors.includes(name)),
    ).toEqual([]);
  });

  it.each([
    ['CleanDead', 'ApproximateNumberOfMessagesVisible', 0, storage, 'CleanDead'],
    ['FeaturesDead', 'ApproximateNumberOfMessagesVisible', 0, storage, 'FeaturesDead'],
    ['CleanBehind', 'ApproximateAgeOfOldestMessage', 3600, storage, 'CleanQueue'],
    ['FeaturesBehind', 'ApproximateAgeOfOldestMessage', 3600, storage, 'FeaturesQueue'],
    ['CallsUndelivered', 'ApproximateNumberOfMessagesVisible', 0, nightly, 'Undelivered'],
  ])('%s: %s above %i', (name, MetricName, Threshold, from, queue) => {
    expect(alarms[name]).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName,
      Statistic: 'Maximum',
      Threshold,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
    // It is that very queue.
    const [{ Value } = { Value: '' }] = alarms[name]!.Dimensions!;
    const wanted = ofType(from, 'AWS::SQS::Queue').find(([id]) => id.startsWith(queue))!;
    expect(JSON.stringify(Value)).toContain(wanted[0]);
  });

  it('ExportLate: a day of hours in none of which a tick saw the night finished', () => {
    const late = alarms.ExportLate!;
    expect(late).toMatchObject({
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      EvaluationPeriods: 24,
      TreatMissingData: 'notBreaching',
    });
    const [expression, finished] = late.Metrics!;
    expect(expression).toMatchObject({ Expression: 'IF(FILL(before, REPEAT) > 0, FILL(finished, 0), 1)' });
    expect(finished).toMatchObject({
      Id: 'finished',
      ReturnData: false,
      MetricStat: { Metric: { MetricName: 'NightFinished' }, Period: 3600, Stat: 'Maximum' },
    });
  });

  it.each([
    ['Clean', ingest],
    ['Features', ingest],
    ['Dispatch', nightly],
  ])('%s: crashes, throttles, and calls near the time limit of the function', (name, from) => {
    const { Properties } = imported(alarms[`${name}Slow`]!.Dimensions, from);
    expect(alarms[`${name}Slow`]).toMatchObject({
      MetricName: 'Duration',
      Statistic: 'Maximum',
      Threshold: Number(Properties.Timeout) * 1000 * 0.8,
    });
    expect(alarms[`${name}Errors`]).toMatchObject({
      MetricName: 'Errors',
      Statistic: 'Sum',
      Threshold: 2,
      Period: 900,
    });
    expect(alarms[`${name}Throttled`]).toMatchObject({
      MetricName: 'Throttles',
      Statistic: 'Sum',
      Threshold: 0,
    });
  });

  it.each([
    ['DropsRefused', 'clean', 'DropsRefused', 'Sum'],
    ['DropsMissing', 'dispatch', 'DropsMissing', 'Maximum'],
    ['JobFailed', 'dispatch', 'JobFailed', 'Maximum'],
    ['ExportMissing', 'dispatch', 'ExportMissing', 'Maximum'],
  ])('%s: as the function %s counts it', (name, service, MetricName, Statistic) => {
    expect(alarms[name]).toMatchObject({
      Namespace: 'Nightjar',
      MetricName,
      Statistic,
      Dimensions: [
        { Name: 'environment', Value: 'prod' },
        { Name: 'service', Value: service },
      ],
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
    });
  });

  it('NoTicks: silence is what it tells', () => {
    expect(alarms.NoTicks).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Invocations',
      Statistic: 'Sum',
      Period: 3600,
      EvaluationPeriods: 3,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
    imported(alarms.NoTicks!.Dimensions, nightly);
  });

  it('VolumeUnusual: a band of four deviations around what CloudWatch expects of the day', () => {
    expect(alarms.VolumeUnusual).toMatchObject({
      ComparisonOperator: 'LessThanLowerOrGreaterThanUpperThreshold',
      Metrics: expect.arrayContaining([
        expect.objectContaining({ Expression: expect.stringMatching(/^ANOMALY_DETECTION_BAND\(\w+, 4\)$/) }),
        expect.objectContaining({
          MetricStat: expect.objectContaining({
            Metric: expect.objectContaining({ Namespace: 'Nightjar', MetricName: 'RowsIn' }),
            Period: 86_400,
          }),
        }),
      ]),
    });
  });

  it('without an address of the runbook name the page, and the synthesis says what is missing', () => {
    const [, { Properties }] = ofType(quiet, 'AWS::CloudWatch::Alarm')[0]!;
    expect(Properties.AlarmDescription).toContain(`What to do: ${RUNBOOK}#`);
    const { stacks } = synthesise();
    const warnings = stacks.watch.node
      .findChild('Default')
      .node.metadata.filter(({ type }) => type === 'aws:cdk:warning');
    expect(warnings.map(({ data }) => String(data))).toEqual([
      expect.stringContaining('deploy.runbook is not set'),
    ]);
  });

  it('JobsBlocked: counts the events of every job queue, each of which is told with its reason', () => {
    // given
    const [[id, rule] = ['', undefined]] = ofType(watch, 'AWS::Events::Rule');
    // then
    expect(alarms.JobsBlocked).toMatchObject({
      Namespace: 'AWS/Events',
      MetricName: 'TriggeredRules',
      Dimensions: [{ Name: 'RuleName', Value: { Ref: id } }],
      Threshold: 0,
    });
    expect(rule!.Properties).toMatchObject({
      State: 'ENABLED',
      EventPattern: { source: ['aws.batch'], 'detail-type': ['Batch Job Queue Blocked'] },
      Targets: [{ Arn: { Ref: topicId } }],
    });
    const { detail } = rule!.Properties.EventPattern as { detail: { jobQueue: unknown[] } };
    expect(detail.jobQueue).toHaveLength(ofType(batch, 'AWS::Batch::JobQueue').length);
    const lent = detail.jobQueue.map((arn) => text(templates, 'watch', arn));
    expect(lent.sort()).toEqual(
      ofType(batch, 'AWS::Batch::JobQueue').map(([id]) => `batch.${id}.JobQueueArn`),
    );
  });
});

describe('topic', () => {
  it('is encrypted with a key that the publishers may use, and no key of the data', () => {
    const [[key] = ['']] = ofType(watch, 'AWS::KMS::Key');
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: { 'Fn::GetAtt': [key, 'Arn'] } });
    template.hasResourceProperties('AWS::KMS::Key', {
      EnableKeyRotation: true,
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Principal: { Service: ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'] },
            ...OWN,
          }),
          // EventBridge names no account when it encrypts for a topic.
          Match.objectLike({
            Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
            Principal: { Service: 'events.amazonaws.com' },
            Condition: Match.absent(),
          }),
        ]),
      },
    });
  });

  it('refuses requests without TLS and publishers of other accounts', () => {
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 'sns:Publish',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'] },
            ...OWN,
          }),
        ]),
      },
    });
  });

  it('writes to the address of the config, and to nobody without one', () => {
    template.hasResourceProperties('AWS::SNS::Subscription', {
      Protocol: 'email',
      Endpoint: 'nights@shop.example',
      TopicArn: { Ref: topicId },
    });
    expect(ofType(quiet, 'AWS::SNS::Subscription')).toEqual([]);
    expect(ofType(quiet, 'AWS::CloudWatch::Alarm')).toHaveLength(ALARMS.length);
  });

  it('is named for the command line', () => {
    expect(watch.Outputs!.AlarmTopic).toEqual({ Value: { Ref: topicId } });
    expect(watch.Outputs!.NoticeTopic).toEqual({ Value: { Ref: topicOf('Notices') } });
  });
});

describe('budget', () => {
  it('tells of what is spent and of what will be, by the month', () => {
    template.hasResourceProperties('AWS::Budgets::Budget', {
      Budget: { BudgetType: 'COST', TimeUnit: 'MONTHLY', BudgetLimit: { Amount: 450, Unit: 'USD' } },
      NotificationsWithSubscribers: [
        ['ACTUAL', 80],
        ['ACTUAL', 100],
        ['FORECASTED', 100],
      ].map(([NotificationType, Threshold]) => ({
        Notification: {
          NotificationType,
          Threshold,
          ThresholdType: 'PERCENTAGE',
          ComparisonOperator: 'GREATER_THAN',
        },
        Subscribers: [{ SubscriptionType: 'SNS', Address: { Ref: topicOf('Notices') } }],
      })),
    });
  });
});

describe('dashboard', () => {
  const [[, dashboard] = []] = ofType(watch, 'AWS::CloudWatch::Dashboard');
  const parts = (dashboard!.Properties.DashboardBody as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  const body = JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'x')).join('')) as {
    widgets: { properties: { title: string; alarms?: string[]; metrics?: unknown[] } }[];
  };

  it('shows the night from the drop to the export', () => {
    expect(body.widgets.map(({ properties }) => properties.title)).toEqual([
      'Alarms',
      'The night',
      'Waiting messages',
      'Oldest message, seconds',
      'Dead letters',
      'Drops',
      'Rows',
      'Day files',
      'Longest call, ms',
      'Crashed calls',
      'Jobs',
    ]);
    for (const { properties } of body.widgets) {
      expect((properties.alarms ?? properties.metrics)!.length).toBeGreaterThan(0);
    }
  });

  it('shows every alarm', () => {
    expect(body.widgets[0]!.properties.alarms).toHaveLength(ALARMS.length);
  });
});
