import { CfnOutput, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccountRootPrincipal, AnyPrincipal, Effect, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ISecret, ResourcePolicy, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Deploy } from '../config/index.ts';
import { ConfigError } from '../data/errors.ts';
import { grantAccess, PSEUDONYM_TAG } from './access.ts';
import type { Setting, StorageParts } from './shared.ts';
import { Buckets } from './storage-buckets.ts';
import { Keys } from './storage-keys.ts';
import { WorkQueue } from './storage-queues.ts';

export interface NightjarStorageProps {
  readonly setting: Setting;
}

/** What outlives every deployment: buckets, keys, the pseudonym secret, and the queues that the buckets tell. */
export class NightjarStorage extends Construct {
  readonly parts: StorageParts;

  constructor(scope: Construct, id: string, { setting }: NightjarStorageProps) {
    super(scope, id);
    const { disposable, adopt } = setting.deploy;
    if (adopt && disposable) {
      throw new ConfigError(
        'deploy.adopt: given for "dev", whose buckets and keys go with their stacks: name another environment',
      );
    }
    const keys = new Keys(this, 'Keys', { disposable, adopt });
    // Twice the function's timeout, not six times: the factor is for throttled deliveries, and a limit on concurrent
    // ones at the event source prevents those. A drop whose function was killed at four must be tried before five.
    const clean = new WorkQueue(this, 'Clean', { key: keys.data, visibility: Duration.minutes(30) });
    const features = new WorkQueue(this, 'Features', { key: keys.data, visibility: Duration.minutes(30) });
    const quarantineReader = new Role(this, 'QuarantineRole', {
      description: 'Reads rejected rows of drops. Assumed by people, never by Nightjar.',
      assumedBy: new AccountRootPrincipal(),
    });
    const buckets = new Buckets(this, 'Buckets', {
      key: keys.data,
      retention: setting.deploy.retention,
      newDrops: clean,
      newEvents: features,
      quarantineReader,
      disposable,
      adopt,
    });
    this.parts = {
      drops: buckets.drops,
      data: buckets.data,
      exports: buckets.exports,
      logs: buckets.logs,
      dataKey: keys.data,
      pseudonymKey: keys.pseudonyms,
      pseudonymSecret: this.#pseudonymSecret(keys.pseudonyms, setting.deploy),
      cleanQueue: clean.queue,
      cleanDead: clean.dead,
      featuresQueue: features.queue,
      featuresDead: features.dead,
    };
    grantAccess(quarantineReader, 'quarantineReader', this.parts);
    this.#outputs(setting.config.shop.name, quarantineReader);
  }

  /** An earlier stack's, or a new one: 64 bytes for AES-SIV, as hexadecimal digits. */
  #pseudonymSecret(encryptionKey: IKey, { adopt, disposable }: Deploy): ISecret {
    if (adopt) {
      const secret = Secret.fromSecretAttributes(this, 'PseudonymSecret', {
        secretCompleteArn: adopt.pseudonymSecret,
        encryptionKey,
      });
      // Its own policy went with the stack that made it.
      const policy = new ResourcePolicy(this, 'PseudonymSecretPolicy', { secret });
      policy.document.addStatements(this.#forThoseWhoTurnIds());
      return secret;
    }
    const secret = new Secret(this, 'PseudonymSecret', {
      description: 'Turns ids of users into pseudonyms and back. Losing it loses every user.',
      encryptionKey,
      generateSecretString: {
        passwordLength: 128,
        excludeUppercase: true,
        excludePunctuation: true,
        excludeCharacters: 'ghijklmnopqrstuvwxyz',
        requireEachIncludedType: false,
      },
      removalPolicy: disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    secret.addToResourcePolicy(this.#forThoseWhoTurnIds());
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'Another secret gives every user another pseudonym: all history would belong to strangers.',
    });
    return secret as ISecret;
  }

  #forThoseWhoTurnIds(): PolicyStatement {
    const { partition, account } = Stack.of(this);
    return new PolicyStatement({
      sid: 'ForThoseWhoTurnIds',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['secretsmanager:GetSecretValue'],
      resources: ['*'],
      conditions: {
        StringNotEquals: { [`aws:PrincipalTag/${PSEUDONYM_TAG.key}`]: PSEUDONYM_TAG.value },
        // CloudFormation looks at what it manages: turned away, no later deployment would succeed.
        ArnNotLike: {
          'aws:PrincipalArn': `arn:${partition}:iam::${account}:role/cdk-*-cfn-exec-role-*`,
        },
      },
    });
  }

  #outputs(shop: string, quarantineReader: Role): void {
    const { drops, data, exports: exported, logs, dataKey, pseudonymKey, pseudonymSecret } = this.parts;
    const { cleanQueue, cleanDead, featuresQueue, featuresDead } = this.parts;
    const outputs = {
      // Whose the buckets are: another shop's config must not take them over unnoticed.
      Shop: shop,
      DropsBucket: drops.bucketName,
      DataBucket: data.bucketName,
      ExportsBucket: exported.bucketName,
      CleanQueueUrl: cleanQueue.queueUrl,
      CleanDeadUrl: cleanDead.queueUrl,
      FeaturesQueueUrl: featuresQueue.queueUrl,
      FeaturesDeadUrl: featuresDead.queueUrl,
      QuarantineReader: quarantineReader.roleArn,
      // For `deploy.adopt`, should these stacks ever be destroyed and made again.
      LogsBucket: logs.bucketName,
      DataKeyArn: dataKey.keyArn,
      PseudonymKeyArn: pseudonymKey.keyArn,
      PseudonymSecretArn: pseudonymSecret.secretArn,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
