import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { deployOf } from '../../lib/config/index.ts';
import { NightjarError } from '../../lib/data/index.ts';
import type { CdkSettings, Check, Preflight } from '../../lib/operate/index.ts';
import { EXIT } from '../exit.ts';
import { ROOT, runArguments } from '../home.ts';
import { table } from './shared.ts';
import {
  configOf,
  confirm,
  environmentOption,
  operations,
  regionOption,
  type StackOptions,
} from './stack-options.ts';

interface DeployOptions extends StackOptions {
  readonly check?: boolean;
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const SIGNS = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const;

/** `nightjar deploy`: everything that a deployment needs is looked at, then it is plain `cdk deploy`. */
export function deployCommand(): Command {
  return new Command('deploy')
    .description('look whether account, region and machine can take it, then "cdk deploy --all"')
    .addOption(environmentOption())
    .addOption(regionOption())
    .option('--check', 'only look')
    .option('--force', 'deploy although a check failed')
    .option('--yes', 'ask nothing, not even before permissions change')
    .option('--json', 'print what was found for a machine, and only look')
    .argument('[cdk arguments...]', 'after "--": handed to cdk deploy as they are')
    .action(async (extra: string[], options: DeployOptions, command: Command) => {
      const { config, file, folder } = await configOf(command);
      const { preflight, realSurroundings } = await operations();
      const around = realSurroundings(options.region);
      const found = await preflight(around, deployOf(config, options.env), {
        environment: options.env,
        shop: config.shop.name,
      });
      const failed = found.checks.filter(({ state }) => state === 'failed');
      if (options.json) console.log(JSON.stringify({ environment: options.env, ...found }, null, 2));
      else print(found.checks);
      if (failed.length > 0 && (!options.force || options.check || options.json)) {
        throw new NightjarError(
          `${failed.length} ${failed.length === 1 ? 'check' : 'checks'} failed: ${failed.map(({ name }) => name).join(', ')}`,
        );
      }
      if (options.check || options.json) return;
      const adopts = deployOf(config, options.env).adopt !== undefined;
      const program = around.cdk();
      process.exitCode = await deploy(found, { file, folder, extra, options, adopts, program });
    });
}

async function deploy(
  found: Preflight,
  args: {
    file: string;
    folder: string;
    extra: readonly string[];
    options: DeployOptions;
    adopts: boolean;
    program: string | undefined;
  },
): Promise<number> {
  const { file, folder, extra, options, adopts, program } = args;
  const { account, region } = found;
  if (!program || !region)
    throw new NightjarError('without a region and the CDK there is nothing to go on with');
  const where = `nightjar-${options.env} to account ${account ?? 'unknown'} in ${region}`;
  if (!options.yes && !(await confirm(`Deploy ${where}?`))) return EXIT.failed;
  const { layCdk, runCdk } = await operations();
  const home = join(folder, '.nightjar', `cdk-${options.env}`);
  await layCdk(home, cdkSettings(), { config: file, environment: options.env });
  const code = await runCdk({ program, folder: home, region, yes: options.yes ?? false, adopts, extra });
  return code === 0 ? EXIT.done : EXIT.failed;
}

/** Those of the checkout's cdk.json, with an app that starts from any folder. */
function cdkSettings(): CdkSettings {
  const settings: CdkSettings = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
  const words = [process.execPath, ...runArguments('bin/app')];
  return { ...settings, app: words.map((word) => JSON.stringify(word)).join(' ') };
}

function print(checks: readonly Check[]): void {
  console.log(
    table(
      ['check', '', 'found', 'expected'],
      checks.map(({ name, state, found, expected }) => [name, SIGNS[state], found, expected]),
    ),
  );
  for (const { name, remedy } of checks) if (remedy) console.log(`${name}: ${remedy}`);
}
