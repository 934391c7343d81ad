import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ofType, type Resource, synthesise } from './synthesis.ts';

const { ingest, nightly } = synthesise({
  deploy: { functions: { cleanMemoryMiB: 4096, featuresMemoryMiB: 2048 }, retention: { logDays: 180 } },
}).templates;
const template = Template.fromJSON({ ...ingest });

function only(type: string, name: string): Resource {
  const found = ofType(ingest, type).filter(([id]) => id.startsWith(name));
  expect(found).toHaveLength(1);
  return found[0]![1];
}

describe('functions', () => {
  it('run Node.js 22 on x86-64 from their zip, with the memory of the config', () => {
    template.resourceCountIs('AWS::Lambda::Function', 2);
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs22.x',
      Architectures: ['x86_64'],
      Handler: 'index.handler',
      Code: { S3Key: Match.stringLikeRegexp('\\.zip$') },
    });
    expect(only('AWS::Lambda::Function', 'Clean').Properties).toMatchObject({
      MemorySize: 4096,
      Timeout: 900,
      EphemeralStorage: { Size: 10_240 },
    });
    expect(only('AWS::Lambda::Function', 'Features').Properties).toMatchObject({
      MemorySize: 2048,
      Timeout: 900,
    });
  });

  it('find the store, and clean the key and Batch, by their environment', () => {
    // given
    const variables = (name: string) => {
      const { Environment } = only('AWS::Lambda::Function', name).Properties as {
        Environment: { Variables: Record<string, unknown> };
      };
      return Object.keys(Environment.Variables).sort();
    };
    const store = [
      'NIGHTJAR_DATA_BUCKET',
      'NIGHTJAR_DROPS_BUCKET',
      'NIGHTJAR_ENVIRONMENT',
      'NIGHTJAR_EXPORTS_BUCKET',
    ];
    const more = ['NIGHTJAR_JOB_DEFINITIONS', 'NIGHTJAR_JOB_QUEUES', 'NIGHTJAR_KEY_SECRET'];
    // then
    expect(variables('Clean')).toEqual([...store, ...more].sort());
    expect(variables('Features')).toEqual(store);
  });

  it('reserve no concurrency: throttled deliveries would count as failed ones', () => {
    for (const [, { Properties }] of ofType(ingest, 'AWS::Lambda::Function')) {
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
    }
  });

  it('write to encrypted logs that expire', () => {
    template.resourceCountIs('AWS::Logs::LogGroup', 2);
    template.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 180,
      KmsKeyId: Match.anyValue(),
    });
    template.allResourcesProperties('AWS::Lambda::Function', {
      LoggingConfig: { LogGroup: Match.anyValue() },
    });
  });

  it('have roles of their own, without policies of others', () => {
    for (const { Resources } of [ingest, nightly]) {
      for (const { Type, Properties } of Object.values(Resources)) {
        if (Type === 'AWS::IAM::Role') expect(Properties.ManagedPolicyArns).toBeUndefined();
      }
    }
    const roles = ofType(ingest, 'AWS::Lambda::Function').map(([, { Properties }]) =>
      JSON.stringify(Properties.Role),
    );
    expect(new Set(roles).size).toBe(2);
  });
});

describe('what feeds them', () => {
  it.each([
    ['Clean', { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 20 } }],
    ['Features', { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 10 } }],
  ])('%s: one drop a call, so many at a time, failed messages one by one', (name, expected) => {
    expect(only('AWS::Lambda::EventSourceMapping', name).Properties).toMatchObject({
      ...expected,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
  });
});
