import { fullDiff, ResourceImpact } from '@aws-cdk/cloudformation-diff';
import { type CloudTemplate, STACKS, type StackName } from './synthesis.ts';

type Templates = Readonly<Record<StackName, CloudTemplate>>;

/** What is lost, or waited for in vain, when CloudFormation makes it anew. */
const MUST_STAY: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'holds data',
  'AWS::KMS::Key': 'what it encrypts cannot be read without it',
  'AWS::SecretsManager::Secret': 'holds the pseudonym key',
  'AWS::SQS::Queue': 'holds messages',
  'AWS::Logs::LogGroup': 'holds logs',
  'AWS::EC2::VPC': 'everything of the network hangs on it',
  'AWS::EC2::Subnet': 'its addresses are taken until the old one is gone',
  'AWS::Batch::ComputeEnvironment': 'a queue uses it until the end of the update',
  'AWS::Batch::JobQueue': 'jobs wait in it',
};

/** Under a name of ours a second one cannot be made beside the first. */
const NAMES = [
  'BucketName',
  'QueueName',
  'AlarmName',
  'LogGroupName',
  'Name',
  'ComputeEnvironmentName',
  'JobQueueName',
];

/**
 * Why CloudFormation would refuse to bring deployed stacks from one set of templates to another, or replace what must stay.
 * What a change of a property means for its resource is told by AWS's resource specification.
 */
export function updateFaults(before: Templates, after: Templates): string[] {
  const faults: string[] = [];
  const moved = new Map<string, string>();
  for (const stack of STACKS) {
    fullDiff(before[stack], after[stack]).resources.forEachDifference((id, change) => {
      const impact = impactOf(change.changeImpact, change.newProperties);
      const type = change.resourceType ?? '';
      if (impact === undefined) return;
      moved.set(`${stack}.${id}`, impact);
      // An optional part may come and go; what stands in its place must not be made anew.
      const gone = impact !== 'replaced' && OPTIONAL.has(type);
      const why = MUST_STAY[type];
      if (why && !gone) faults.push(`${stack}.${id} (${type}) is ${impact}: ${why}`);
      const named = NAMES.find((name) => typeof change.newProperties?.[name] === 'string');
      if (impact === 'replaced' && named) faults.push(`${stack}.${id} (${type}) has a name and is replaced`);
    });
  }
  return [...faults, ...exportFaults(before, after, moved)];
}

/** Subnets come with zones, and the environment and the queue of GPU jobs with the setting that asks for them. */
const OPTIONAL = new Set(['AWS::EC2::Subnet', 'AWS::Batch::ComputeEnvironment', 'AWS::Batch::JobQueue']);

function impactOf(
  impact: ResourceImpact,
  properties: Readonly<Record<string, unknown>> | undefined,
): 'replaced' | 'removed' | undefined {
  if (impact === ResourceImpact.WILL_REPLACE) return 'replaced';
  if (impact === ResourceImpact.WILL_DESTROY || impact === ResourceImpact.WILL_ORPHAN) return 'removed';
  // A compute environment says itself that it is changed in place.
  if (impact === ResourceImpact.MAY_REPLACE && properties?.ReplaceComputeEnvironment !== false)
    return 'replaced';
  return undefined;
}

/** "Export … cannot be updated as it is in use", nor removed. Stacks are updated one after another, lenders first. */
function exportFaults(before: Templates, after: Templates, moved: ReadonlyMap<string, string>): string[] {
  const imported = new Set(JSON.stringify(before).match(/(?<="Fn::ImportValue":")[^"]+/g));
  return STACKS.flatMap((stack) =>
    Object.entries(before[stack].Outputs ?? {}).flatMap(([id, { Value, Export }]) => {
      if (!Export || !imported.has(String(Export.Name))) return [];
      const now = after[stack].Outputs?.[id];
      if (!now) return [`${stack} no longer exports ${id}, which another stack imports`];
      const target = JSON.stringify(Value).match(/(?<="(?:Ref|Fn::GetAtt)":\[?")[^"]+/)?.[0];
      const changed =
        JSON.stringify(now.Value) !== JSON.stringify(Value) || moved.get(`${stack}.${target}`) === 'replaced';
      return changed ? [`${stack}'s export ${id} changes while another stack imports it`] : [];
    }),
  );
}
