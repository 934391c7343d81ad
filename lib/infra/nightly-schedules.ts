import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../config/index.ts';
import { finetuneCron, tickCron, watchdogCron } from './nightly-times.ts';

/** The scheduler puts the time that a call was due here: the clock of the call, however late it comes. */
const SCHEDULED_TIME = '<aws.scheduler.scheduled-time>';

export interface SchedulesProps {
  readonly config: Config;
  readonly target: IFunction;
  /** Takes the calls that the function could not be given. */
  readonly undelivered: IQueue;
}

/** The clock of the nights, in the shop's own time zone, summer time included. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, { config, target, undelivered }: SchedulesProps) {
    super(scope, id);
    const group = new CfnScheduleGroup(this, 'Group');
    const role = new Role(this, 'Role', {
      description: 'EventBridge Scheduler: calls the dispatch function',
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Stack.of(this).account, 'aws:SourceArn': group.attrArn },
        },
      }),
    });
    role.addToPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }),
    );
    role.addToPolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [undelivered.queueArn] }),
    );
    const schedule = (kind: string, expression: string, description: string, patience: number) =>
      new CfnSchedule(this, kind, {
        description,
        groupName: group.ref,
        scheduleExpression: expression,
        scheduleExpressionTimezone: config.shop.timeZone,
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: target.functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify({ kind: kind.toLowerCase(), time: SCHEDULED_TIME }),
          retryPolicy: { maximumEventAgeInSeconds: patience, maximumRetryAttempts: 10 },
          deadLetterConfig: { arn: undelivered.queueArn },
        },
      });
    const { nightly } = config;
    // A tick that comes after the next one is of no use.
    schedule('Tick', tickCron(nightly), 'Starts the night when it can, and brings it forward', 300);
    // A schedule by a rate calls as soon as it is made: whoever has just deployed hears at once if calls do not arrive.
    schedule('Heartbeat', 'rate(1 hour)', 'Looks after what waits, by day as well', 300);
    schedule('Watchdog', watchdogCron(nightly), 'Asks whether the export of the night stands', 3600);
    const finetune = finetuneCron(nightly);
    if (finetune) schedule('Finetune', finetune, 'Trains new models for the next night', 3600);
  }
}
