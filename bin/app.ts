import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { loadConfig } from '../lib/config/index.ts';
import { ConfigError, NightjarError } from '../lib/data/index.ts';
import { buildApp, type Packages } from '../lib/infra/index.ts';
import { buildPackages } from './build/index.ts';

/**
 * What `cdk` runs: `npx cdk synth -c config=<path> -c env=<name>`. The packages are built first (to `dist`, or `-c out=<folder>`),
 * with the very config that the stacks are made from. `-c packages=<folder>` takes what `npm run build` made there.
 */
async function main(): Promise<void> {
  const app = new App();
  const { config } = await loadConfig(context(app, 'config') ?? 'examples/online-retail');
  const environment = context(app, 'env') ?? 'prod';
  const built = context(app, 'packages');
  const folder = resolve(built ?? context(app, 'out') ?? 'dist');
  if (built === undefined) await buildPackages(config, folder);
  buildApp(app, { config, environment, packages: packagesIn(folder) });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
}

function context(app: App, name: string): string | undefined {
  const value: unknown = app.node.tryGetContext(name);
  if (value === undefined || typeof value === 'string') return value;
  throw new ConfigError(`-c ${name}: given ${JSON.stringify(value)}, expected a text such as "-c ${name}=…"`);
}

/** @throws NightjarError when the build has not run */
function packagesIn(folder: string): Packages {
  const packages = { functions: join(folder, 'functions'), image: join(folder, 'image') };
  const wanted = [
    ...['clean', 'features', 'dispatch'].map((name) => join(packages.functions, `${name}.zip`)),
    join(packages.image, 'package.json'),
  ];
  const missing = wanted.filter((file) => !existsSync(file));
  if (missing.length === 0) return packages;
  throw new NightjarError(
    `${missing.join(', ')}: not there, expected what the build makes: run "npm run build" with this config, or leave out "-c packages"`,
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NightjarError)) throw error;
  console.error(`app: ${error.message}`);
  // Exit codes as of the command line: 1 it failed, 2 the config is wrong.
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
