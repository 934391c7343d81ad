import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { deploySchema } from '../../lib/config/deploy-schema.ts';
import { updateFaults } from './cloudformation-update.ts';
import { type CloudTemplate, type StackName, synthesise } from './synthesis.ts';

/** For every setting another value than the default. */
const OTHER: Readonly<Record<string, unknown>> = {
  compute: 'gpu',
  network: 'public-egress',
  zones: 2,
  'gpu.instanceTypes': ['g5.xlarge'],
  'gpu.maxVcpus': 64,
  'gpu.spot': false,
  'cpu.architecture': 'arm64',
  'cpu.vcpus': 8,
  'cpu.memoryMiB': 20480,
  'cpu.maxVcpus': 64,
  scoreChildren: 4,
  retrySeconds: 120,
  'largeDrop.plainMiB': 128,
  'largeDrop.gzipMiB': 24,
  'functions.cleanMemoryMiB': 4096,
  'functions.featuresMemoryMiB': 3008,
  'functions.dispatchMemoryMiB': 2048,
  'retention.dropsToInstantRetrievalDays': 30,
  'retention.oldVersionDays': 30,
  'retention.quarantineDays': 60,
  'retention.runDays': 60,
  'retention.exportDays': 90,
  'retention.logDays': 30,
  alarmEmail: 'nights@shop.example',
  noticeEmail: 'data@shop.example',
  runbook: 'https://wiki.shop.example/nightjar',
  budgetUsd: false,
  dashboard: false,
  tracing: true,
};

/** Those that change the shape of the stacks: each is tried alone. The others only change properties, and go together. */
const SHAPES = [
  'compute',
  'network',
  'zones',
  'cpu.architecture',
  'gpu.spot',
  'gpu.instanceTypes',
  'tracing',
];
/** `npm run test:all` tries every setting alone. */
const ALONE = process.env.NIGHTJAR_SLOW_TESTS === '1' ? Object.keys(OTHER) : SHAPES;

function settings(names: readonly string[]): Record<string, unknown> {
  const deploy: Record<string, unknown> = {};
  for (const name of names) {
    const [group, setting] = name.split('.') as [string, string?];
    if (setting === undefined) deploy[group] = OTHER[name];
    else deploy[group] = { ...(deploy[group] as object | undefined), [setting]: OTHER[name] };
  }
  return deploy;
}

/** Where a setting of the GPU says something there is one. */
const base = (name: string) => (name.startsWith('gpu.') ? { compute: 'gpu' } : {});

describe('an update of deployed stacks', () => {
  it('is tried for every setting', () => {
    // `adopt` is for stacks that are made anew, never for an update.
    const all = leaves(z.toJSONSchema(deploySchema, { io: 'input' })).filter(
      (name) => !name.startsWith('adopt.'),
    );
    expect(Object.keys(OTHER).sort()).toEqual(all.sort());
  });

  it.each(ALONE)('by %s, there and back, is taken and replaces nothing that must stay', (name) => {
    const before = synthesise({ deploy: base(name) }).templates;
    const after = synthesise({ deploy: { ...base(name), ...settings([name]) } }).templates;
    expect(JSON.stringify(after)).not.toBe(JSON.stringify(before));
    expect({ there: updateFaults(before, after), back: updateFaults(after, before) }).toEqual({
      there: [],
      back: [],
    });
  });

  it('by all others at once', () => {
    const names = Object.keys(OTHER).filter((name) => !SHAPES.includes(name));
    const before = synthesise().templates;
    const after = synthesise({ deploy: settings(names) }).templates;
    expect({ there: updateFaults(before, after), back: updateFaults(after, before) }).toEqual({
      there: [],
      back: [],
    });
  });
});

describe('an update that would fail is seen', () => {
  type Change = (template: {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  }) => void;
  const { templates } = synthesise();
  const changed = (stack: StackName, change: Change) => {
    const copy = JSON.parse(JSON.stringify(templates[stack]));
    change(copy);
    return { ...templates, [stack]: copy as CloudTemplate };
  };
  const each =
    (type: string, set: Record<string, unknown>): Change =>
    ({ Resources }) => {
      for (const one of Object.values(Resources)) if (one.Type === type) Object.assign(one.Properties, set);
    };

  it.each([
    [
      'a bucket under another name',
      'storage',
      each('AWS::S3::Bucket', { BucketName: 'other' }),
      /holds data/,
    ],
    [
      'subnets that move',
      'batch',
      each('AWS::EC2::Subnet', { CidrBlock: '10.0.0.0/24' }),
      /addresses are taken/,
    ],
    ['another kind of queue', 'storage', each('AWS::SQS::Queue', { FifoQueue: true }), /holds messages/],
    [
      'another kind of compute environment',
      'batch',
      each('AWS::Batch::ComputeEnvironment', { Type: 'unmanaged' }),
      /a queue uses it/,
    ],
  ] as const)('%s', (_, stack, change, fault) => {
    expect(updateFaults(templates, changed(stack, change)).join('\n')).toMatch(fault);
  });

  it('an export that is taken away', () => {
    const copy = JSON.parse(JSON.stringify(templates.storage));
    for (const [id, { Export }] of Object.entries<{ Export?: object }>(copy.Outputs))
      if (Export) delete copy.Outputs[id];
    expect(updateFaults(templates, { ...templates, storage: copy }).join('\n')).toMatch(/no longer exports/);
  });
});

it('Fargate gets nothing that Batch refuses to update', () => {
  const { batch } = synthesise().templates;
  for (const { Type, Properties } of Object.values(batch.Resources)) {
    if (Type !== 'AWS::Batch::ComputeEnvironment') continue;
    expect(Properties).not.toHaveProperty('UpdatePolicy');
    expect(Properties).not.toHaveProperty('ReplaceComputeEnvironment');
  }
});

/** Paths of the settings: objects are gone into, unions and lists are settings themselves. */
function leaves(schema: z.core.JSONSchema.BaseSchema, path: readonly string[] = []): string[] {
  if (schema.type !== 'object' || !schema.properties) return [path.join('.')];
  return Object.entries(schema.properties).flatMap(([name, below]) =>
    typeof below === 'object' ? leaves(below, [...path, name]) : [],
  );
}
