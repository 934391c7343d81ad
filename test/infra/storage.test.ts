import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { type CloudTemplate, ofType, type Resource, synthesise } from './synthesis.ts';

const { templates } = synthesise();
const { storage } = templates;
const template = Template.fromJSON({ ...storage });
const dev = synthesise({ environment: 'dev' }).templates.storage;

/** Buckets by the first word of what they are called in the stack. */
function bucket(name: 'Drops' | 'Data' | 'Exports' | 'Logs', from: CloudTemplate = storage): Resource {
  const [found] = ofType(from, 'AWS::S3::Bucket').filter(([id]) => id.startsWith(`Buckets${name}`));
  return found![1];
}

function queueId(name: string): string {
  return ofType(storage, 'AWS::SQS::Queue').find(([id]) => id.startsWith(name))![0];
}

describe('buckets', () => {
  it('are four, closed to the public, owned by the account', () => {
    template.resourceCountIs('AWS::S3::Bucket', 4);
    template.allResourcesProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    });
  });

  it.each(['Drops', 'Data', 'Exports'] as const)(
    '%s are encrypted with the data key, by bucket keys',
    (name) => {
      expect(bucket(name).Properties).toMatchObject({
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              BucketKeyEnabled: true,
              ServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: { 'Fn::GetAtt': [expect.stringMatching(/^KeysData/), 'Arn'] },
              },
            },
          ],
        },
        LoggingConfiguration: {
          DestinationBucketName: { Ref: expect.stringMatching(/^BucketsLogs/) },
          LogFilePrefix: `${name.toLowerCase()}/`,
        },
      });
    },
  );

  it('refuse requests without TLS, and with an old one', () => {
    // given
    const policies = ofType(storage, 'AWS::S3::BucketPolicy');
    // then
    expect(policies).toHaveLength(4);
    for (const [, { Properties }] of policies) {
      expect(Properties.PolicyDocument).toMatchObject({
        Statement: expect.arrayContaining([
          expect.objectContaining({
            Effect: 'Deny',
            Action: 's3:*',
            Principal: { AWS: '*' },
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
          expect.objectContaining({
            Effect: 'Deny',
            Action: 's3:*',
            Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } },
          }),
        ]),
      });
    }
  });

  it('keep old versions of drops alone', () => {
    expect(bucket('Drops').Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(bucket('Data').Properties.VersioningConfiguration).toBeUndefined();
  });

  it('end uploads that were cut off', () => {
    for (const [, { Properties }] of ofType(storage, 'AWS::S3::Bucket')) {
      expect(Properties.LifecycleConfiguration).toMatchObject({
        Rules: expect.arrayContaining([
          expect.objectContaining({
            Status: 'Enabled',
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
          }),
        ]),
      });
    }
  });

  it('move drops to a tier that answers at once, and never delete the current one', () => {
    // given
    const { Rules } = bucket('Drops').Properties.LifecycleConfiguration as { Rules: object[] };
    // then
    expect(Rules).toContainEqual({
      Id: 'instant-retrieval',
      Prefix: 'drop/',
      Status: 'Enabled',
      Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 90 }],
    });
    expect(Rules).toContainEqual({
      Id: 'old-versions',
      Status: 'Enabled',
      NoncurrentVersionExpiration: { NoncurrentDays: 90 },
    });
    for (const rule of Rules) expect(Object.keys(rule)).not.toContain('ExpirationInDays');
  });

  it('forget only what no later night reads', () => {
    // given
    const expiring = (name: 'Data' | 'Exports') => {
      const { Rules } = bucket(name).Properties.LifecycleConfiguration as {
        Rules: { Prefix?: string; ExpirationInDays?: number }[];
      };
      return Object.fromEntries(
        Rules.filter(({ ExpirationInDays }) => ExpirationInDays).map((rule) => [
          rule.Prefix,
          rule.ExpirationInDays,
        ]),
      );
    };
    // then
    expect(expiring('Data')).toEqual({
      'quarantine/': 30,
      'scores/': 30,
      'snapshots/': 30,
      'versions/': 30,
      'fits/': 30,
      'packs/': 365,
      'index/': 90,
    });
    expect(expiring('Exports')).toEqual({ 'exports/': 400 });
  });

  it('seal what was rejected: none but its reader may read it, and nothing else is denied', () => {
    const sealed = ofType(storage, 'AWS::S3::BucketPolicy').flatMap(([, { Properties }]) =>
      (Properties.PolicyDocument as { Statement: { Sid?: string }[] }).Statement.filter(
        ({ Sid }) => Sid === 'QuarantineIsSealed',
      ),
    );
    expect(sealed).toEqual([
      {
        Sid: 'QuarantineIsSealed',
        Effect: 'Deny',
        Principal: { AWS: '*' },
        Action: ['s3:GetObject', 's3:GetObjectVersion'],
        Resource: {
          'Fn::Join': [
            '',
            [{ 'Fn::GetAtt': [expect.stringMatching(/^BucketsData/), 'Arn'] }, '/quarantine/*'],
          ],
        },
        Condition: {
          ArnNotEquals: {
            'aws:PrincipalArn': { 'Fn::GetAtt': [expect.stringMatching(/^QuarantineRole/), 'Arn'] },
          },
        },
      },
    ]);
  });
});

describe('what S3 tells', () => {
  it.each([
    ['Drops', 'drop/', 'Clean'],
    ['Data', 'clean/events/', 'Features'],
  ] as const)('%s: of new objects under %s to the queue %s', (name, prefix, queue) => {
    const { Properties, DependsOn } = bucket(name);
    expect(Properties.NotificationConfiguration).toEqual({
      QueueConfigurations: [
        {
          Event: 's3:ObjectCreated:*',
          Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: prefix }] } },
          Queue: { 'Fn::GetAtt': [queueId(`${queue}Queue`), 'Arn'] },
        },
      ],
    });
    // The policy that lets it send comes first.
    expect(DependsOn).toEqual([expect.stringMatching(new RegExp(`^${queue}QueuePolicy`))]);
  });

  it('needs no function of the CDK and no right on other buckets', () => {
    template.resourceCountIs('AWS::Lambda::Function', 0);
    template.resourceCountIs('Custom::S3BucketNotifications', 0);
  });

  it('may come from the own account alone, into a queue whose key S3 may use', () => {
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'sqs:SendMessage',
            Principal: { Service: 's3.amazonaws.com' },
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnLike: { 'aws:SourceArn': Match.anyValue() },
            },
          }),
        ]),
      },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
            Principal: { Service: 's3.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    });
  });
});

describe('queues', () => {
  it('are four, encrypted, and keep messages for 14 days', () => {
    template.resourceCountIs('AWS::SQS::Queue', 4);
    template.allResourcesProperties('AWS::SQS::Queue', {
      KmsMasterKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^KeysData'), 'Arn'] },
      MessageRetentionPeriod: 14 * 86_400,
    });
  });

  it('refuse requests without TLS', () => {
    template.resourcePropertiesCountIs(
      'AWS::SQS::QueuePolicy',
      {
        PolicyDocument: {
          Statement: Match.arrayWith([
            Match.objectLike({
              Action: 'sqs:*',
              Effect: 'Deny',
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
          ]),
        },
      },
      4,
    );
  });

  it.each(['Clean', 'Features'])(
    '%s: a message that came three times is dead, and the queue takes no dead ones',
    (name) => {
      expect(storage.Resources[queueId(`${name}Queue`)]!.Properties).toMatchObject({
        RedrivePolicy: {
          maxReceiveCount: 3,
          deadLetterTargetArn: { 'Fn::GetAtt': [queueId(`${name}Dead`), 'Arn'] },
        },
        RedriveAllowPolicy: { redrivePermission: 'denyAll' },
      });
    },
  );

  it.each(['Clean', 'Features'])(
    '%s: a message stays hidden for twice as long as its function may run',
    (name) => {
      // given
      const { VisibilityTimeout } = storage.Resources[queueId(`${name}Queue`)]!.Properties;
      const [, fn] = ofType(templates.ingest, 'AWS::Lambda::Function').find(([id]) => id.startsWith(name))!;
      // then
      expect(VisibilityTimeout).toBe(2 * Number(fn.Properties.Timeout));
    },
  );
});

describe('keys and the secret', () => {
  it('are turned over every year', () => {
    template.resourceCountIs('AWS::KMS::Key', 2);
    template.allResourcesProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });

  it('holds 128 hexadecimal digits, under a key of its own', () => {
    // given
    const [[, secret] = []] = ofType(storage, 'AWS::SecretsManager::Secret');
    const { GenerateSecretString, KmsKeyId } = secret!.Properties as {
      GenerateSecretString: Record<string, unknown>;
      KmsKeyId: unknown;
    };
    // then
    expect(GenerateSecretString).toEqual({
      PasswordLength: 128,
      ExcludeUppercase: true,
      ExcludePunctuation: true,
      ExcludeCharacters: 'ghijklmnopqrstuvwxyz',
      RequireEachIncludedType: false,
    });
    expect(KmsKeyId).toEqual({ 'Fn::GetAtt': [expect.stringMatching(/^KeysPseudonyms/), 'Arn'] });
  });

  it('turns away everyone without the mark of those who turn ids', () => {
    template.hasResourceProperties('AWS::SecretsManager::ResourcePolicy', {
      ResourcePolicy: {
        Statement: [
          Match.objectLike({
            Effect: 'Deny',
            Action: 'secretsmanager:GetSecretValue',
            Principal: { AWS: '*' },
            Condition: Match.objectLike({
              StringNotEquals: { 'aws:PrincipalTag/nightjar-pseudonyms': 'allowed' },
            }),
          }),
        ],
      },
    });
  });
});

describe('what the stack leaves behind', () => {
  const kept = ['AWS::S3::Bucket', 'AWS::KMS::Key', 'AWS::SecretsManager::Secret'];

  it('buckets, keys and the secret stay', () => {
    for (const type of kept) {
      for (const [id, { DeletionPolicy }] of ofType(storage, type))
        expect([id, DeletionPolicy]).toEqual([id, 'Retain']);
    }
  });

  it('nothing stays in dev, but nothing empties a bucket either', () => {
    for (const type of kept) {
      for (const [id, { DeletionPolicy }] of ofType(dev, type))
        expect([id, DeletionPolicy]).toEqual([id, 'Delete']);
    }
    expect(ofType(dev, 'Custom::S3AutoDeleteObjects')).toEqual([]);
  });
});

describe('outputs', () => {
  it('are those that the command line reads', () => {
    expect(Object.keys(storage.Outputs!)).toEqual(
      expect.arrayContaining([
        'Shop',
        'DropsBucket',
        'DataBucket',
        'ExportsBucket',
        'CleanQueueUrl',
        'CleanDeadUrl',
        'FeaturesQueueUrl',
        'FeaturesDeadUrl',
        'QuarantineReader',
      ]),
    );
  });
});
