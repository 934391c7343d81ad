import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** Publish what is told to people. */
const PUBLISHERS = ['cloudwatch', 'budgets'] as const;

export interface AlarmTopicsProps {
  /** Gets what is urgent, once its owner has confirmed. */
  readonly email?: string | undefined;
  /** Gets the rest. */
  readonly noticeEmail?: string | undefined;
  /** A key that is there already. Default: one of the topics' own. */
  readonly key?: IKey | undefined;
}

/**
 * Where alarms go: what must wake somebody, and what can wait for the morning, such as notices of the budget. With a key of
 * their own the services that publish may use that key, and never the one that the shop's data is under.
 */
export class AlarmTopics extends Construct {
  readonly urgent: Topic;
  readonly notices: Topic;

  constructor(scope: Construct, id: string, { email, noticeEmail, key: lent }: AlarmTopicsProps) {
    super(scope, id);
    const ours = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    const masterKey =
      lent ??
      new Key(this, 'Key', {
        description: 'Nightjar: messages of alarms',
        enableKeyRotation: true,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    for (const principal of PUBLISHERS.map((name) => new ServicePrincipal(`${name}.amazonaws.com`))) {
      masterKey.addToResourcePolicy(
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: [principal],
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
          conditions: ours,
        }),
      );
    }
    const topic = (name: string, address: string | undefined): Topic => {
      const made = new Topic(this, name, { masterKey, enforceSSL: true });
      made.addToResourcePolicy(
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: PUBLISHERS.map((service) => new ServicePrincipal(`${service}.amazonaws.com`)),
          actions: ['sns:Publish'],
          resources: [made.topicArn],
          conditions: ours,
        }),
      );
      if (address !== undefined) made.addSubscription(new EmailSubscription(address));
      return made;
    };
    this.urgent = topic('Urgent', email);
    this.notices = topic('Notices', noticeEmail);
  }
}
