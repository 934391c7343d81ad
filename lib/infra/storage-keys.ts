import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

interface KeysProps {
  /** The keys go with the stack, and there is one: each costs a dollar a month, and in `dev` there is nobody to keep apart. */
  readonly disposable: boolean;
  /** Keys of an earlier stack, with the policies that it gave them: no template can take a key over. */
  readonly adopt?: { readonly dataKey: string; readonly pseudonymKey: string } | undefined;
}

/** The keys of an environment: one for everything that lies or waits somewhere, one for the pseudonym secret alone. */
export class Keys extends Construct {
  readonly data: IKey;
  readonly pseudonyms: IKey;

  constructor(scope: Construct, id: string, { disposable, adopt }: KeysProps) {
    super(scope, id);
    if (adopt) {
      this.data = Key.fromKeyArn(this, 'Data', adopt.dataKey);
      this.pseudonyms = Key.fromKeyArn(this, 'Pseudonyms', adopt.pseudonymKey);
      return;
    }
    const removalPolicy = disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.data = new Key(this, 'Data', {
      description: 'Nightjar: buckets, queues and logs',
      enableKeyRotation: true,
      removalPolicy,
    });
    this.pseudonyms = disposable
      ? this.data
      : new Key(this, 'Pseudonyms', {
          description: 'Nightjar: the secret behind the pseudonyms',
          enableKeyRotation: true,
          removalPolicy,
        });
    this.#admitS3();
    this.#admitLogs();
  }

  /** S3 tells encrypted queues of new objects. */
  #admitS3(): void {
    this.data.addToResourcePolicy(
      new PolicyStatement({
        sid: 'NewObjects',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
  }

  #admitLogs(): void {
    const { region, account, partition } = Stack.of(this);
    this.data.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Logs',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal(`logs.${region}.amazonaws.com`)],
        actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
        resources: ['*'],
        conditions: {
          ArnLike: {
            'kms:EncryptionContext:aws:logs:arn': `arn:${partition}:logs:${region}:${account}:log-group:*`,
          },
        },
      }),
    );
  }
}
