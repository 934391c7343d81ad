import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Tells cdk-nag that wildcards in a role's policies are meant.
 * @param resources as they stand in the policies; those without a wildcard are passed over
 * @param reason a sentence that tells an auditor why
 */
export function acknowledgeWildcards(role: IConstruct, resources: readonly string[], reason: string): void {
  const stack = Stack.of(role);
  for (const resource of resources) {
    const name = nagName(stack.resolve(resource));
    if (!name.includes('*')) continue;
    Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${name}]`, reason });
  }
}

/** How cdk-nag spells a resource in the id of a finding. */
function nagName(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const [[name, argument] = ['', undefined]] = Object.entries(value);
  if (name === 'Fn::Join' && Array.isArray(argument)) return argument[1].map(nagName).join(argument[0]);
  if (name === 'Fn::GetAtt' && Array.isArray(argument)) return `<${argument.map(nagName).join('.')}>`;
  if (name === 'Ref') return `<${nagName(argument)}>`;
  if (name === 'Fn::ImportValue') return nagName(argument);
  return JSON.stringify(value);
}
