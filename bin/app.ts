import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import { loadConfig } from '../lib/config/index.ts';
import { ConfigError, NightjarError } from '../lib/data/index.ts';
import { buildApp, type Packages } from '../lib/infra/index.ts';
import { buildPackages } from './build/index.ts';
import { unknownEnvironment } from './commands/stack-options.ts';
import { EXIT } from './exit.ts';

/**
 * What `cdk` runs: `npx cdk synth -c config=<path> -c env=<name>`. The packages are built first (to `build/<env>`, or
 * `-c out=<folder>`), with the very config that the stacks are made from. `-c packages=<folder>` takes what
 * `npm run packages` made there.
 */
async function main(): Promise<void> {
  const app = new App();
  const { config } = await loadConfig(context(app, 'config') ?? 'examples/online-retail');
  const environment = context(app, 'env') ?? 'prod';
  const note = unknownEnvironment(config, environment);
  if (note !== undefined) console.error(note);
  const built = context(app, 'packages');
  const packages =
    built === undefined
      ? (await buildPackages(config, resolve(context(app, 'out') ?? join('build', environment)))).packages
      : packagesIn(resolve(built));
  buildApp(app, { config, environment, packages });
  await holdAgainstRules(app);
  app.synth();
}

/** cdk-nag holds the templates against AWS's rules: in a checkout always, elsewhere where it is installed. */
async function holdAgainstRules(app: App): Promise<void> {
  const nag = await import('cdk-nag').catch(() => undefined);
  if (nag) Validations.of(app).addPlugins(new nag.AwsSolutionsChecks(app));
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
    `${missing.join(', ')}: not there, expected what the build makes: run "npm run packages" with this config, or leave out "-c packages"`,
  );
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NightjarError)) throw error;
  console.error(`app: ${error.message}`);
  // At once: the CDK would go on with a half-made app at the end of the process.
  process.exit(error instanceof ConfigError ? EXIT.wrong : EXIT.failed);
}
