import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { type Config, loadConfig } from '../../lib/config/index.ts';
import { ConfigError, NightjarError } from '../../lib/data/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';

/** Which deployed environment a command is about. */
export interface StackOptions {
  readonly stack?: boolean;
  readonly env: string;
  readonly region?: string;
}

export const environmentOption = () => new Option('--env <name>', 'the deployed environment').default('prod');

export const regionOption = () =>
  new Option('--region <name>', 'the region it is deployed in (default: AWS_REGION, or that of the profile)');

/**
 * The config that --config names, without opening the folder that stands for the bucket. An environment that it does not name
 * may be meant, or misspelt: that is said.
 * @throws ConfigError
 */
export async function configOf(command: Command): ReturnType<typeof loadConfig> {
  const { config: path, env } = command.optsWithGlobals<{ config: string; env?: string }>();
  const loaded = await loadConfig(path);
  const note = env === undefined ? undefined : unknownEnvironment(loaded.config, env);
  if (note !== undefined) console.error(note);
  return loaded;
}

/** Environments that need no entry in a config. */
const ALWAYS = ['prod', 'dev'];

/** One line where a config does not know an environment; undefined where it does. */
export function unknownEnvironment({ environments }: Config, name: string): string | undefined {
  const known = [...new Set([...ALWAYS, ...Object.keys(environments)])];
  if (known.includes(name)) return undefined;
  return `note: the config names no environment "${name}", so it goes by "deploy" alone; known are ${known.join(', ')}`;
}

/** The stacks' own door is loaded when one of their commands runs: it brings the SDK with it. */
export const operations = () => import('../../lib/operate/index.ts');

/** A store and the config that belongs to it. */
interface Asked {
  readonly store: ObjectStore;
  readonly config: Config;
}

/**
 * The store that a command is about: that of a deployed environment with --stack, else the folder.
 * @throws ConfigError for an environment that is named without --stack
 */
export function askedStore<T extends Asked>(
  options: StackOptions,
  command: Command,
  folder: () => Promise<T>,
): Promise<Asked> {
  if (!options.stack && command.getOptionValueSource('env') === 'cli') {
    throw new ConfigError('--env is about a deployed environment: say --stack as well, or leave --env out');
  }
  return options.stack ? stackOf(options, command) : folder();
}

/** The store of a deployed environment, and the config. */
async function stackOf({ env, region }: StackOptions, command: Command): Promise<Asked> {
  const { config } = await configOf(command);
  const { openStack } = await operations();
  const { store } = await openStack({ environment: env, region, shop: config.shop.name });
  return { store, config };
}

/**
 * Asks on the terminal before something is changed.
 * @throws NightjarError where nobody can be asked
 */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new NightjarError(`${question} There is no terminal to ask on: say --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While it asks, the terminal takes Ctrl-C for itself.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

/**
 * Does what asks AWS. What the SDK throws becomes one sentence: an account that refuses is no fault of Nightjar's.
 * @throws NightjarError
 */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || !isOfSdk(cause)) throw cause;
    throw new NightjarError(
      `AWS did not do what was asked: ${cause.name}: ${cause.message.split('\n')[0]}; look at your credentials ` +
        '("aws sts get-caller-identity"), the region and the rights that you have there',
      { cause },
    );
  }
}

/** Answers of AWS and failed connections carry metadata; without credentials nothing is sent. */
const isOfSdk = (error: Error) => '$metadata' in error || error.name === 'CredentialsProviderError';
