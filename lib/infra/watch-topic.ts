import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';

/** Publish what is told to people. */
const PUBLISHERS = ['cloudwatch', 'budgets'] as const;

export interface AlarmTopicProps {
  /** Gets every message, once its owner has confirmed. */
  readonly email?: string | undefined;
  /** A key that is there already. Default: one of the topic's own. */
  readonly key?: IKey | undefined;
}

/**
 * Where alarms, notices of the budget and of blocked queues go. With a key of its own the services that publish may use
 * that key, and never the one that the shop's data is under.
 */
export class AlarmTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { email, key: lent }: AlarmTopicProps) {
    super(scope, id);
    const ours = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    const key =
      lent ??
      new Key(this, 'Key', {
        description: 'Nightjar: messages of alarms',
        enableKeyRotation: true,
        removalPolicy: RemovalPolicy.DESTROY,
      });
    this.topic = new Topic(this, 'Topic', { masterKey: key, enforceSSL: true });
    for (const name of PUBLISHERS) {
      const principal = new ServicePrincipal(`${name}.amazonaws.com`);
      key.addToResourcePolicy(
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: [principal],
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources: ['*'],
          conditions: ours,
        }),
      );
      this.topic.addToResourcePolicy(
        new PolicyStatement({
          effect: Effect.ALLOW,
          principals: [principal],
          actions: ['sns:Publish'],
          resources: [this.topic.topicArn],
          conditions: ours,
        }),
      );
    }
    if (email !== undefined) this.topic.addSubscription(new EmailSubscription(email));
  }
}
