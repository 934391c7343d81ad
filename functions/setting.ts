import { readFile } from 'node:fs/promises';
import { type Config, type Deploy, deployOf, parseConfig } from '../lib/config/index.ts';

/** The config that was built into the package, and the deployment settings of the environment it runs in. */
export async function readSetting(
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ config: Config; deploy: Deploy }> {
  const file = new URL('./config.json', import.meta.url);
  const config = parseConfig(JSON.parse(await readFile(file, 'utf8')), 'config.json');
  return { config, deploy: deployOf(config, env.NIGHTJAR_ENVIRONMENT ?? 'prod') };
}
