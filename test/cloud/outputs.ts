import type { S3Client } from '@aws-sdk/client-s3';
import type { TickKind } from '../../lib/run/index.ts';
import { openS3Store, routedStore } from '../../lib/runtime/aws/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import type { Moto } from '../aws/moto.ts';
import { resourcesOf, type Template } from './intrinsics.ts';
import type { Provisioned } from './provision.ts';

type Templates = Readonly<Record<string, Template>>;

/** What a schedule of the template sends at a time. */
export function scheduled(
  templates: Templates,
  { resolver }: Provisioned,
  kind: TickKind,
  time: Date,
): unknown {
  for (const { stack, properties } of resourcesOf(templates, 'AWS::Scheduler::Schedule')) {
    const { Target } = resolver.resolve(stack, properties) as { Target: { Input: string } };
    const event = JSON.parse(Target.Input);
    if (event.kind !== kind) continue;
    const at = `${time.toISOString().slice(0, 19)}Z`;
    return JSON.parse(Target.Input.replaceAll('<aws.scheduler.scheduled-time>', at));
  }
  throw new Error(`no schedule of the templates sends a ${kind}`);
}

const OUTPUTS = {
  clean: 'CleanQueueUrl',
  cleanDead: 'CleanDeadUrl',
  features: 'FeaturesQueueUrl',
  featuresDead: 'FeaturesDeadUrl',
} as const;

export type QueueUrls = Readonly<Record<keyof typeof OUTPUTS, string>>;

/** The queues as the storage stack tells of them, under the protocol server's own address. */
export function queuesOf(moto: Moto, made: Provisioned, templates: Templates): QueueUrls {
  const url = (name: keyof typeof OUTPUTS) =>
    `${moto.endpoint}${new URL(output(made, templates, OUTPUTS[name])).pathname}`;
  return {
    clean: url('clean'),
    cleanDead: url('cleanDead'),
    features: url('features'),
    featuresDead: url('featuresDead'),
  };
}

/** One store over the three buckets of the storage stack, as the functions and the jobs see it. */
export function storeOf(client: S3Client, made: Provisioned, templates: Templates): ObjectStore {
  const open = (name: string) => openS3Store({ client, bucket: output(made, templates, name) });
  return routedStore([
    { prefix: 'drop/', store: open('DropsBucket') },
    { prefix: 'exports/', store: open('ExportsBucket') },
    { prefix: '', store: open('DataBucket') },
  ]);
}

function output({ resolver }: Provisioned, templates: Templates, name: string): string {
  const stack = Object.keys(templates).find((id) => id.endsWith('-storage'));
  if (!stack) throw new Error('the templates have no storage stack');
  return resolver.output(stack, name);
}
