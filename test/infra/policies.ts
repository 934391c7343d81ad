import type { CloudTemplate, StackName } from './synthesis.ts';

/** One statement of a policy, with its resources as texts: `storage.BucketsData…Arn/clean/*`. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principals: readonly string[];
  readonly condition: string;
  readonly raw: Readonly<Record<string, unknown>>;
}

type Templates = Readonly<Record<StackName, CloudTemplate>>;

/** What identities may do: the statements of each role, by `<stack>.<logical id of the role>`. */
export function roleStatements(templates: Templates): Map<string, Statement[]> {
  const roles = new Map<string, Statement[]>();
  for (const [stack, { Resources }] of entries(templates)) {
    for (const [id, { Type, Properties }] of Object.entries(Resources)) {
      if (Type === 'AWS::IAM::Role') {
        const inline = list(Properties.Policies).flatMap((policy) => read(policy, 'PolicyDocument'));
        add(
          roles,
          `${stack}.${id}`,
          inline.flatMap((document) => statements(templates, stack, document)),
        );
      }
      if (Type === 'AWS::IAM::Policy' || Type === 'AWS::IAM::ManagedPolicy') {
        for (const role of list(Properties.Roles)) {
          const name = text(templates, stack, role);
          add(roles, name, statements(templates, stack, Properties.PolicyDocument));
        }
      }
    }
  }
  return roles;
}

/** What resources say of those who come: bucket, queue, key, topic and secret policies, and who may assume a role. */
export function resourceStatements(templates: Templates): { at: string; statement: Statement }[] {
  const documents = ['PolicyDocument', 'KeyPolicy', 'ResourcePolicy', 'AssumeRolePolicyDocument'];
  return entries(templates).flatMap(([stack, { Resources }]) =>
    Object.entries(Resources).flatMap(([id, { Type, Properties }]) => {
      // A policy of identities, or of a way out of the network: that one limits what roles allow, and gives nothing.
      if (/^AWS::(IAM::(Managed)?Policy|EC2::VPCEndpoint)$/.test(Type)) return [];
      return documents
        .flatMap((name) => statements(templates, stack, Properties[name]))
        .map((statement) => ({ at: `${stack}.${id}`, statement }));
    }),
  );
}

function statements(templates: Templates, stack: StackName, document: unknown): Statement[] {
  return read(document, 'Statement')
    .flatMap(list)
    .map((raw) => {
      const values = (name: string) => read(raw, name).flatMap(list);
      return {
        effect: String(read(raw, 'Effect')[0]),
        actions: values('Action').map(String),
        resources: values('Resource').map((value) => text(templates, stack, value)),
        principals: values('Principal').map((value) => JSON.stringify(value)),
        condition: JSON.stringify(read(raw, 'Condition')[0] ?? null),
        raw: { ...(raw as object) },
      };
    });
}

/** Resolves what a template refers to, over the borders of stacks. */
export function text(templates: Templates, stack: StackName, value: unknown): string {
  if (typeof value === 'string') return value;
  const [join] = read(value, 'Fn::Join');
  if (Array.isArray(join)) {
    return list(join[1])
      .map((part) => text(templates, stack, part))
      .join(String(join[0]));
  }
  const [attribute] = read(value, 'Fn::GetAtt');
  if (Array.isArray(attribute)) return `${stack}.${attribute.join('.')}`;
  const [reference] = read(value, 'Ref');
  if (typeof reference === 'string') {
    const lent = lentBy(templates, templates[stack].Parameters?.[reference]);
    if (lent) return text(templates, lent.stack, lent.value);
    return reference.startsWith('AWS::') ? `<${reference}>` : `${stack}.${reference}`;
  }
  const [exported] = read(value, 'Fn::ImportValue');
  for (const [home, { Outputs = {} }] of entries(templates)) {
    for (const output of Object.values(Outputs)) {
      const [name] = read(read(output, 'Export')[0], 'Name');
      if (exported !== undefined && name === exported) return text(templates, home, output.Value);
    }
  }
  return JSON.stringify(value);
}

/** What stands behind a parameter of a template that reads one of Systems Manager. */
function lentBy(templates: Templates, parameter: unknown): { stack: StackName; value: unknown } | undefined {
  const [name] = read(parameter, 'Default');
  for (const [stack, { Resources }] of entries(templates)) {
    for (const { Type, Properties } of Object.values(Resources)) {
      if (Type === 'AWS::SSM::Parameter' && Properties.Name === name)
        return { stack, value: Properties.Value };
    }
  }
  return undefined;
}

const entries = (templates: Templates) => Object.entries(templates) as [StackName, CloudTemplate][];

function read(value: unknown, name: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const found: unknown = Reflect.get(value, name);
  return found === undefined ? [] : [found];
}

const list = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

function add<V>(map: Map<string, V[]>, key: string, values: readonly V[]): void {
  map.set(key, [...(map.get(key) ?? []), ...values]);
}
