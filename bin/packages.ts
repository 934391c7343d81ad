import { relative, resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../lib/config/index.ts';
import { ConfigError, NightjarError } from '../lib/data/index.ts';
import { buildPackages } from './build/index.ts';
import { EXIT } from './exit.ts';

const options = new Command('packages')
  .description('Builds what is deployed: packages of the functions, and the context of the container images.')
  .option('--config <path>', 'nightjar.config.ts, or its folder', 'examples/online-retail')
  .option('--out <folder>', 'where to', 'build')
  .parse()
  .opts<{ config: string; out: string }>();

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1).padStart(7);

try {
  const { config, file } = await loadConfig(options.config);
  const { functions, packages } = await buildPackages(config, resolve(options.out));
  console.log(`config    ${relative('.', file)}`);
  console.log('function     zip MiB  unpacked MiB');
  for (const { name, zipped, unpacked } of functions) {
    console.log(`${name.padEnd(12)} ${mebibytes(zipped)}       ${mebibytes(unpacked)}`);
  }
  console.log(`image     ${relative('.', packages.image)}`);
} catch (error) {
  if (error instanceof NightjarError) console.error(`packages: ${error.message}`);
  else console.error(error);
  process.exitCode = error instanceof ConfigError ? EXIT.wrong : EXIT.failed;
}
