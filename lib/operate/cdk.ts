import { spawn } from 'node:child_process';

/** What is handed to the CDK. */
export interface CdkCall {
  /** Path of its command line. */
  readonly program: string;
  /** Folder with cdk.json. */
  readonly folder: string;
  readonly config: string;
  readonly environment: string;
  readonly region: string;
  /** Do not ask before permissions change. */
  readonly yes: boolean;
  readonly extra: readonly string[];
}

/** The arguments of plain `cdk deploy`. */
export function cdkArguments({ config, environment, yes, extra }: CdkCall): string[] {
  return [
    'deploy',
    '--all',
    '-c',
    `config=${config}`,
    '-c',
    `env=${environment}`,
    ...(yes ? ['--require-approval', 'never'] : []),
    ...extra,
  ];
}

/** Runs the CDK on this terminal. @returns its exit code */
export function runCdk(call: CdkCall): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [call.program, ...cdkArguments(call)], {
      cwd: call.folder,
      stdio: 'inherit',
      env: { ...process.env, AWS_REGION: call.region },
    });
    // Ctrl-C reaches the CDK by itself; this process waits for it to end tidily.
    const wait = () => {};
    process.on('SIGINT', wait);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      process.off('SIGINT', wait);
      resolve(code ?? (signal ? 1 : 0));
    });
  });
}
