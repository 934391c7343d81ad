import {
  type CloudFormationClient,
  CloudFormationServiceException,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { OperateError } from './errors.ts';

/** What a stack tells of itself. */
export interface StackOutputs {
  readonly name: string;
  /** CloudFormation's word, such as UPDATE_COMPLETE. */
  readonly status: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Reads a stack's outputs.
 * @throws OperateError when there is no such stack
 */
export async function readOutputs(client: CloudFormationClient, name: string): Promise<StackOutputs> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const { StackStatus = 'unknown', Outputs = [] } = Stacks[0] ?? {};
    const values = Outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
    return { name, status: StackStatus, values: Object.fromEntries(values) };
  } catch (cause) {
    if (!(cause instanceof CloudFormationServiceException) || cause.name !== 'ValidationError') throw cause;
    const region = await client.config.region();
    throw new OperateError(
      `there is no stack ${name} in ${region}: "nightjar deploy" makes it; another place: --env, --region, AWS_PROFILE`,
      { cause },
    );
  }
}

/** One output. @throws OperateError when the stack lacks it */
export function outputOf({ name, status, values }: StackOutputs, key: string): string {
  const value = values[key];
  if (value) return value;
  throw new OperateError(
    `stack ${name} (${status}) has no output ${key}: it was deployed by another version or not to its end; deploy it again`,
  );
}

/** The output that says whose an environment is; stacks of older versions have none. */
export const SHOP_OUTPUT = 'Shop';

/** The shop that an environment was deployed for; undefined where it was not, or by an older version. */
export async function deployedShop(
  client: CloudFormationClient,
  environment: string,
): Promise<string | undefined> {
  try {
    return (await readOutputs(client, `nightjar-${environment}-storage`)).values[SHOP_OUTPUT];
  } catch (error) {
    if (error instanceof OperateError) return undefined;
    throw error;
  }
}
