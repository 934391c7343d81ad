import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../lib/config/schema.ts';
import { finetuneCron, tickCron, watchdogCron } from '../../lib/infra/nightly-times.ts';
import { ofType, SHOP, synthesise } from './synthesis.ts';

const { nightly } = synthesise({ deploy: { functions: { dispatchMemoryMiB: 2048 } } }).templates;
const template = Template.fromJSON({ ...nightly });

const times = (settings: object) =>
  configSchema.parse({ ...SHOP, shop: { timeZone: 'UTC' }, nightly: settings }).nightly;

interface Schedule {
  ScheduleExpression: string;
  Target: { Input: string; RetryPolicy: object; DeadLetterConfig: unknown; RoleArn: unknown };
}

const schedules = Object.fromEntries(
  ofType(nightly, 'AWS::Scheduler::Schedule').map(([, { Properties }]) => {
    const schedule: unknown = Properties;
    const { Target } = schedule as Schedule;
    return [JSON.parse(Target.Input).kind as string, schedule as Schedule];
  }),
);

/** Statements of the role that a policy of this name belongs to. */
function statements(name: string): { Action: string | string[]; Resource: unknown }[] {
  const [, { Properties }] = ofType(nightly, 'AWS::IAM::Policy').find(([id]) => id.startsWith(name))!;
  return (Properties.PolicyDocument as { Statement: { Action: string | string[]; Resource: unknown }[] })
    .Statement;
}

describe('times', () => {
  it.each([
    ['02:00', '05:00', 'cron(0/5 2-6 * * ? *)', 'cron(0 7 * * ? *)'],
    ['02:30', '05:30', 'cron(0/5 2-7 * * ? *)', 'cron(30 7 * * ? *)'],
    ['00:00', '00:05', 'cron(0/5 0-2 * * ? *)', 'cron(5 2 * * ? *)'],
    ['20:00', '22:00', 'cron(0/5 20-23 * * ? *)', 'cron(55 23 * * ? *)'],
    // The last ticks of a late night come after midnight; the watchdog asks for the day that it began on.
    ['22:15', '23:30', 'cron(0/5 22-23,0-1 * * ? *)', 'cron(55 23 * * ? *)'],
    ['23:00', '23:05', 'cron(0/5 23,0-1 * * ? *)', 'cron(55 23 * * ? *)'],
    ['00:00', '23:55', 'cron(0/5 * * * ? *)', 'cron(55 23 * * ? *)'],
    ['01:00', '23:00', 'cron(0/5 * * * ? *)', 'cron(55 23 * * ? *)'],
  ])('from %s, deadline %s', (from, deadline, tick, watchdog) => {
    const settings = times({ from, deadline });
    expect(tickCron(settings)).toBe(tick);
    expect(watchdogCron(settings)).toBe(watchdog);
  });

  it('ticks reach every five minutes from the start to two hours after the deadline, whatever the two are', () => {
    const clock = (m: number) =>
      `${String(Math.floor(m / 60)).padStart(2, '0')}:${String(m % 60).padStart(2, '0')}`;
    for (let from = 0; from < 1435; from += 35) {
      for (let deadline = from + 5; deadline < 1440; deadline += 55) {
        // given
        const settings = times({ from: clock(from), deadline: clock(deadline) });
        // when
        const [, hours = ''] = tickCron(settings).match(/^cron\(0\/5 (\S+) \* \* \? \*\)$/)!;
        const ticked = new Set(
          (hours === '*' ? '0-23' : hours).split(',').flatMap((part) => {
            const [first = 0, last = first] = part.split('-').map(Number);
            return Array.from({ length: last - first + 1 }, (_, i) => first + i);
          }),
        );
        // then
        const wanted = Array.from(
          { length: deadline + 120 - from },
          (_, i) => Math.floor((from + i) / 60) % 24,
        );
        expect(wanted.filter((hour) => !ticked.has(hour))).toEqual([]);
      }
    }
  });

  it.each([
    ['sunday', 'cron(0 7 ? * SUN *)'],
    ['wednesday', 'cron(0 7 ? * WED *)'],
    ['never', undefined],
  ])('new models are trained on %s', (finetune, expected) => {
    expect(finetuneCron(times({ finetune }))).toBe(expected);
  });

  it('a late training stays on its weekday', () => {
    expect(finetuneCron(times({ from: '22:00', deadline: '23:30', finetune: 'monday' }))).toBe(
      'cron(55 23 ? * MON *)',
    );
  });
});

describe('schedules', () => {
  it('are four, in the time zone of the shop, to the minute', () => {
    expect(
      Object.fromEntries(Object.entries(schedules).map(([kind, s]) => [kind, s.ScheduleExpression])),
    ).toEqual({
      tick: 'cron(0/5 2-6 * * ? *)',
      heartbeat: 'rate(1 hour)',
      watchdog: 'cron(0 7 * * ? *)',
      finetune: 'cron(0 7 ? * SUN *)',
    });
    template.allResourcesProperties('AWS::Scheduler::Schedule', {
      ScheduleExpressionTimezone: 'Europe/London',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Name: Match.absent(),
    });
  });

  it('hand over the time that they meant, as the clock of the call', () => {
    for (const [kind, { Target }] of Object.entries(schedules)) {
      expect(JSON.parse(Target.Input)).toEqual({ kind, time: '<aws.scheduler.scheduled-time>' });
    }
  });

  it('try again for a while, a tick no longer than until the next, and then leave a dead letter', () => {
    const [[queue] = ['']] = ofType(nightly, 'AWS::SQS::Queue');
    for (const [kind, { Target }] of Object.entries(schedules)) {
      expect(Target.RetryPolicy).toEqual({
        MaximumEventAgeInSeconds: kind === 'tick' || kind === 'heartbeat' ? 300 : 3600,
        MaximumRetryAttempts: 10,
      });
      expect(Target.DeadLetterConfig).toEqual({ Arn: { 'Fn::GetAtt': [queue, 'Arn'] } });
    }
  });

  it('may call this one function, and nothing but their own group may take their role', () => {
    // given
    const [[dispatch] = ['']] = ofType(nightly, 'AWS::Lambda::Function');
    const [[queue] = ['']] = ofType(nightly, 'AWS::SQS::Queue');
    const [[group] = ['']] = ofType(nightly, 'AWS::Scheduler::ScheduleGroup');
    // then
    expect(statements('SchedulesRole').map(({ Action, Resource }) => [Action, Resource])).toEqual([
      ['lambda:InvokeFunction', { 'Fn::GetAtt': [dispatch, 'Arn'] }],
      ['sqs:SendMessage', { 'Fn::GetAtt': [queue, 'Arn'] }],
    ]);
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'scheduler.amazonaws.com' },
            Condition: {
              StringEquals: {
                'aws:SourceAccount': { Ref: 'AWS::AccountId' },
                'aws:SourceArn': { 'Fn::GetAtt': [group, 'Arn'] },
              },
            },
          }),
        ],
      },
    });
  });
});

describe('dispatch', () => {
  it('is one function with the memory of the config, and may run many at once', () => {
    template.resourceCountIs('AWS::Lambda::Function', 1);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Handler: 'index.handler',
      Runtime: 'nodejs22.x',
      MemorySize: 2048,
      Timeout: 900,
      // Ticks are idempotent: a limit would only delay them.
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  it('finds the store and Batch by its environment, and no key', () => {
    const [[, { Properties }] = [undefined, { Properties: {} as Record<string, unknown> }]] = ofType(
      nightly,
      'AWS::Lambda::Function',
    );
    const { Variables } = Properties.Environment as { Variables: object };
    expect(Object.keys(Variables)).toEqual(
      expect.arrayContaining([
        'NIGHTJAR_DROPS_BUCKET',
        'NIGHTJAR_DATA_BUCKET',
        'NIGHTJAR_EXPORTS_BUCKET',
        'NIGHTJAR_JOB_QUEUES',
        'NIGHTJAR_JOB_DEFINITIONS',
      ]),
    );
    expect(Object.keys(Variables)).not.toContain('NIGHTJAR_KEY_SECRET');
  });

  it('a call that failed three times leaves a dead letter', () => {
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      MaximumEventAgeInSeconds: 3600,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.anyValue(), 'Arn'] } } },
    });
  });

  it('submits the three jobs of a night by their names, and nothing else', () => {
    // given
    const submit = statements('DispatchRole').filter(({ Action }) => Action === 'batch:SubmitJob');
    const resources = JSON.stringify(submit.map(({ Resource }) => Resource));
    // then
    for (const job of ['finetune', 'score', 'export']) {
      expect(resources).toContain(`:job-definition/nightjar-prod-${job}`);
    }
    expect(resources).not.toContain('nightjar-prod-clean');
    expect(resources).not.toContain('"*"');
  });

  it('looks at all jobs, as AWS allows it no other way, and has no other right on everything', () => {
    const everywhere = statements('DispatchRole').filter(({ Resource }) => Resource === '*');
    expect(everywhere.map(({ Action }) => [...Action].sort())).toEqual([
      ['batch:DescribeJobs', 'batch:ListJobs'],
    ]);
  });
});

describe('dead letters of calls', () => {
  it('are encrypted, refuse requests without TLS, and stay for 14 days', () => {
    template.resourceCountIs('AWS::SQS::Queue', 1);
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 14 * 86_400,
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: [
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ],
      },
    });
  });
});

describe('outputs', () => {
  it('name the function for the command line', () => {
    const [[dispatch] = ['']] = ofType(nightly, 'AWS::Lambda::Function');
    expect(nightly.Outputs!.DispatchFunction).toEqual({ Value: { Ref: dispatch } });
  });
});
