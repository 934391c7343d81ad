import { Stack } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';

/** A value as another stack sees it. */
export type LentValue = (borrower: Construct) => string;

/**
 * Lends a value to other stacks by a parameter of Systems Manager, which they read whenever they are deployed.
 * CloudFormation refuses to change or remove an export while another stack imports it, so what a setting can move or
 * replace must not be one.
 * @param name of the parameter, as a path
 */
export function lend(owner: Construct, id: string, name: string, value: string): LentValue {
  const home = Stack.of(owner);
  new StringParameter(owner, id, { parameterName: name, stringValue: value });
  return (borrower) => {
    const stack = Stack.of(borrower);
    if (stack === home) return value;
    stack.addStackDependency(home, 'reads a parameter of it');
    return StringParameter.valueForStringParameter(borrower, name);
  };
}
