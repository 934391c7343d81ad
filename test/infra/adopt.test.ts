import { describe, expect, it } from 'vitest';
import { roleStatements } from './policies.ts';
import { ofType, synthesise } from './synthesis.ts';

const ADOPT = {
  drops: 'nightjar-prod-storage-drops-1',
  data: 'nightjar-prod-storage-data-2',
  exports: 'nightjar-prod-storage-exports-3',
  logs: 'nightjar-prod-storage-logs-4',
  dataKey: 'arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111',
  pseudonymKey: 'arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222',
  pseudonymSecret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:PseudonymSecret-AbCdEf',
};

describe('stacks that take over what earlier ones left', () => {
  const { storage } = synthesise({ deploy: { adopt: ADOPT } }).templates;
  const fresh = synthesise().templates.storage;

  it('name the buckets, so that CloudFormation imports them, and keep their rules and notifications', () => {
    const named = ofType(storage, 'AWS::S3::Bucket').map(([, { Properties }]) => Properties.BucketName);
    expect(named.sort()).toEqual([ADOPT.data, ADOPT.drops, ADOPT.exports, ADOPT.logs]);
    for (const [id, { Properties, DeletionPolicy }] of ofType(storage, 'AWS::S3::Bucket')) {
      const { Properties: usual } = fresh.Resources[id]!;
      expect(Properties.LifecycleConfiguration).toEqual(usual.LifecycleConfiguration);
      expect(Properties.NotificationConfiguration).toEqual(usual.NotificationConfiguration);
      // An import is refused for what goes with its stack.
      expect(DeletionPolicy).toBe('Retain');
    }
  });

  it('make no key and no secret, and give roles the old ones', () => {
    expect(ofType(storage, 'AWS::KMS::Key')).toEqual([]);
    expect(ofType(storage, 'AWS::SecretsManager::Secret')).toEqual([]);
    const { templates } = synthesise({ deploy: { adopt: ADOPT } });
    const rights = JSON.stringify([...roleStatements(templates)]);
    for (const arn of [ADOPT.dataKey, ADOPT.pseudonymKey, ADOPT.pseudonymSecret])
      expect(rights).toContain(arn);
  });

  it('close the secret again to all who do not turn ids', () => {
    const [[, policy] = []] = ofType(storage, 'AWS::SecretsManager::ResourcePolicy');
    const [[, usual] = []] = ofType(fresh, 'AWS::SecretsManager::ResourcePolicy');
    expect(policy!.Properties.SecretId).toBe(ADOPT.pseudonymSecret);
    expect(policy!.Properties.ResourcePolicy).toEqual(usual!.Properties.ResourcePolicy);
  });

  it('say all that is asked for in their outputs', () => {
    const outputs = Object.keys(fresh.Outputs ?? {});
    for (const name of [
      ...['DropsBucket', 'DataBucket', 'ExportsBucket', 'LogsBucket'],
      ...['DataKeyArn', 'PseudonymKeyArn', 'PseudonymSecretArn'],
    ]) {
      expect(outputs).toContain(name);
    }
  });

  it('are refused in dev, where nothing is left, and for half of it', () => {
    expect(() => synthesise({ environment: 'dev', deploy: { adopt: ADOPT } })).toThrow('deploy.adopt');
    const { logs, ...half } = ADOPT;
    expect(() => synthesise({ deploy: { adopt: half } })).toThrow(/deploy\.adopt\.logs/);
    expect(() => synthesise({ deploy: { adopt: { ...ADOPT, dataKey: 'alias/x' } } })).toThrow(
      /an ARN of kms/,
    );
  });
});
