import type { AwsCall } from './aws-call.ts';
import { type Resolver, resourcesOf, type Template } from './intrinsics.ts';

/** One statement of a policy, its references resolved. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What a request asks for, in the words of policies. */
export interface Wish {
  readonly action: string;
  readonly resource: string;
  /** Keys of the request that conditions may ask for. */
  readonly context?: Readonly<Record<string, string>>;
}

/** The statements of every role in the templates, by the role's ARN. */
export function policiesOf(
  templates: Readonly<Record<string, Template>>,
  resolver: Resolver,
): Map<string, Statement[]> {
  const byRole = new Map<string, Statement[]>();
  const add = (arn: string, document: unknown) => {
    const { Statement: list } = document as { Statement: Record<string, unknown>[] };
    byRole.set(arn, [...(byRole.get(arn) ?? []), ...list.map(statement)]);
  };
  for (const { stack, id, properties } of resourcesOf(templates, 'AWS::IAM::Role')) {
    const arn = String(resolver.resolve(stack, { 'Fn::GetAtt': [id, 'Arn'] }));
    const inline = resolver.resolve(stack, properties.Policies ?? []) as { PolicyDocument: unknown }[];
    for (const { PolicyDocument } of inline) add(arn, PolicyDocument);
  }
  for (const { stack, properties } of resourcesOf(templates, 'AWS::IAM::Policy')) {
    const document = resolver.resolve(stack, properties.PolicyDocument);
    for (const role of (properties.Roles ?? []) as { Ref: string }[]) {
      add(String(resolver.resolve(stack, { 'Fn::GetAtt': [role.Ref, 'Arn'] })), document);
    }
  }
  return byRole;
}

function statement({ Effect, Action, Resource, Condition }: Record<string, unknown>): Statement {
  return {
    effect: String(Effect),
    actions: [Action].flat().map(String),
    resources: [Resource].flat().map(String),
    conditions: (Condition ?? {}) as Statement['conditions'],
  };
}

/** May the role do this? As IAM decides within one account: a denial counts more than a permission. */
export function isAllowed(statements: readonly Statement[], wish: Wish): boolean {
  const fitting = statements.filter(
    ({ actions, resources, conditions }) =>
      actions.some((pattern) => like(pattern.toLowerCase(), wish.action.toLowerCase())) &&
      resources.some((pattern) => like(pattern, wish.resource)) &&
      holds(conditions, wish.context ?? {}),
  );
  return fitting.some(({ effect }) => effect === 'Allow') && !fitting.some(({ effect }) => effect === 'Deny');
}

/** Conditions on keys of the requests that the harness does not have (the service a key is used through) hold. */
function holds(conditions: Statement['conditions'], context: Readonly<Record<string, string>>): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => {
      if (!key.startsWith('s3:')) return true;
      const given = context[key];
      if (given === undefined) return operator.endsWith('IfExists');
      return [values].flat().some((pattern) => like(String(pattern), given));
    }),
  );
}

function like(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text);
}

const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: 'GetObject',
  CreateMultipartUpload: 'PutObject',
  UploadPart: 'PutObject',
  CompleteMultipartUpload: 'PutObject',
};

/** What a call asks for. Several wishes must all be allowed. */
export function wishesOf(
  call: AwsCall,
  body: Buffer,
  where: { readonly account: string; readonly region: string },
): Wish[] {
  const { service, operation, bucket, key } = call;
  if (service === 's3') {
    if (operation === 'ListObjectsV2') return [mayList(call)];
    const action = `s3:${ACTIONS[operation] ?? operation}`;
    return [{ action, resource: `arn:aws:s3:::${bucket}/${key}` }];
  }
  const action = `${service}:${operation}`;
  const { SecretId, QueueUrl, jobQueue, jobDefinition } = parsed(body);
  if (SecretId) return [{ action, resource: SecretId }];
  if (QueueUrl) {
    const resource = `arn:aws:sqs:${where.region}:${where.account}:${QueueUrl.split('/').at(-1)}`;
    return [{ action, resource }];
  }
  if (operation === 'SubmitJob') {
    // AWS's guide has the revision in what is asked for, reports of refused calls have not: both must be allowed.
    return [jobQueue!, jobDefinition!, `${jobDefinition}:1`].map((resource) => ({ action, resource }));
  }
  return [{ action, resource: '*' }];
}

/** The right that S3 asks for before it says that there is no such object: without it the answer is "forbidden". */
export const mayList = ({ bucket, key = '' }: AwsCall): Wish => ({
  action: 's3:ListBucket',
  resource: `arn:aws:s3:::${bucket}`,
  context: { 's3:prefix': key },
});

function parsed(
  body: Buffer,
): Partial<Record<'SecretId' | 'QueueUrl' | 'jobQueue' | 'jobDefinition', string>> {
  return body.length === 0 ? {} : JSON.parse(body.toString());
}
