import { join } from 'node:path';
import { type Duration, RemovalPolicy, Size, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { grantTraces } from './access.ts';
import { settingEnvironment } from './environment.ts';
import type { Setting } from './shared.ts';

export interface PackagedFunctionProps {
  readonly setting: Setting;
  /** Of the zip, without its ending. */
  readonly name: 'clean' | 'features' | 'dispatch';
  readonly description: string;
  readonly memoryMiB: number;
  readonly timeout: Duration;
  /** Room under the temporary folder; 512 MiB without it. */
  readonly diskMiB?: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Of its logs. */
  readonly key: IKey;
}

const RETENTION: Readonly<Record<Setting['deploy']['retention']['logDays'], RetentionDays>> = {
  30: RetentionDays.ONE_MONTH,
  90: RetentionDays.THREE_MONTHS,
  180: RetentionDays.SIX_MONTHS,
  365: RetentionDays.ONE_YEAR,
};

/**
 * A function from its zip, with a role and a log of its own. The role may write that log; what else it may is granted
 * from the table.
 */
export class PackagedFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: PackagedFunctionProps) {
    super(scope, id);
    const { setting, name, description, memoryMiB, timeout, diskMiB, environment, key } = props;
    this.role = new Role(this, 'Role', {
      description: `Nightjar: ${description}`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RETENTION[setting.deploy.retention.logDays],
      encryptionKey: key,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    logGroup.grantWrite(this.role);
    grantTraces(this.role, setting.deploy);
    this.function = new LambdaFunction(this, 'Function', {
      description,
      runtime: Runtime.NODEJS_22_X,
      architecture: Architecture.X86_64,
      handler: 'index.handler',
      code: Code.fromAsset(join(setting.packages.functions, `${name}.zip`)),
      role: this.role,
      logGroup,
      memorySize: memoryMiB,
      timeout,
      ...(diskMiB === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(diskMiB) }),
      environment: { ...settingEnvironment(setting), ...environment },
    });
    Validations.of(this.function).acknowledge({
      id: 'AwsSolutions-L1',
      reason:
        'Functions and images run the same Node.js 22, the version that the native modules are tested with.',
    });
  }
}
