import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a cdk.json says, as far as it is ours. */
export interface CdkSettings {
  /** The command that makes the stacks. */
  readonly app: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly [other: string]: unknown;
}

/**
 * Lays a cdk.json that is about one shop and one environment: every `npx cdk` command that is called in its folder is, too.
 * @param folder is made where it is not there
 * @param settings the app's own
 */
export async function layCdk(
  folder: string,
  settings: CdkSettings,
  { config, environment }: { config: string; environment: string },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const context = { ...settings.context, config, env: environment };
  await writeFile(join(folder, 'cdk.json'), `${JSON.stringify({ ...settings, context }, null, 2)}\n`);
}

/** What is handed to the CDK. */
export interface CdkCall {
  /** Path of its command line. */
  readonly program: string;
  /** Folder with cdk.json; what the CDK makes lands there. */
  readonly folder: string;
  readonly region: string;
  /** Do not ask before permissions change. */
  readonly yes: boolean;
  /** Take over buckets that have the names of the templates. */
  readonly adopts: boolean;
  readonly extra: readonly string[];
}

/** Runs plain `cdk deploy` on this terminal. @returns its exit code */
export function runCdk({ program, folder, region, yes, adopts, extra }: CdkCall): Promise<number> {
  const words = [
    ...['deploy', '--all'],
    ...(yes ? ['--require-approval', 'never'] : []),
    ...(adopts ? ['--import-existing-resources'] : []),
    ...extra,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      stdio: 'inherit',
      env: { ...process.env, AWS_REGION: region },
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
