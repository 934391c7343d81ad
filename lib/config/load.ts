import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { ConfigError } from '../data/errors.ts';
import { crossFaults, partsOf } from './cross-checks.ts';
import type { Parts } from './faults.ts';
import { type Config, type ConfigInput, configSchema } from './schema.ts';

/** Types a config file for the editor; the values are checked when it is loaded. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/**
 * Checks a config and fills in the defaults.
 * @throws ConfigError with one line per wrong setting: its path, what was given and what was expected.
 */
export function parseConfig(input: unknown, origin = 'nightjar.config.ts'): Config {
  const { config, lines } = examine(input);
  if (config) return config;
  throw faulty(origin, lines);
}

/** What is wrong with single settings and with settings together, all of it: nobody wants a second round. */
function examine(input: unknown): { config?: Config; lines: string[] } {
  const result = configSchema.safeParse(input, { reportInput: true });
  const parts = partsOf(input);
  const lines = [
    ...(result.error?.issues ?? []).flatMap((issue) => describe(issue, input)),
    ...crossFaults(parts).flatMap(({ path, given, expected: wanted, issue }) =>
      issue ? describe(issue, input) : [told(path.map(String), given, wanted)],
    ),
  ];
  return { lines, ...(result.success && lines.length === 0 && { config: result.data }) };
}

function faulty(origin: string, lines: readonly string[]): ConfigError {
  const wrong = `${lines.length} wrong ${lines.length === 1 ? 'setting' : 'settings'}`;
  return new ConfigError(`${origin} has ${wrong}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

export interface LoadOptions {
  /** Further faults of the parts that are right so far, a line each: they are told with all others. */
  faults?(parts: Parts): Promise<readonly string[]>;
}

/**
 * Loads `nightjar.config.ts` (its default export).
 * @param path a config file, or a folder that holds `nightjar.config.ts`
 * @returns the checked config and the folder it stands in
 */
export async function loadConfig(
  path: string,
  options: LoadOptions = {},
): Promise<{ config: Config; folder: string; file: string }> {
  const file = resolve(path.endsWith('.ts') || path.endsWith('.js') ? path : `${path}/nightjar.config.ts`);
  const info = statSync(file, { throwIfNoEntry: false });
  if (!info) {
    throw new ConfigError(`no config at ${file}: run "nightjar init" to write one, or point --config at it`);
  }
  if (!info.isFile()) throw new ConfigError(`${file} is no file: point --config at a config file`);
  accessSync(file, constants.R_OK);
  let module: { default?: unknown };
  try {
    module = await import(
      `data:text/javascript;base64,${Buffer.from(await bundle(file)).toString('base64')}`
    );
  } catch (cause) {
    throw new ConfigError(`${file} cannot be loaded: ${faultIn(cause)}: correct it there`, { cause });
  }
  if (module.default === undefined) {
    throw new ConfigError(`${file} has no default export: write "export default defineConfig({ … })"`);
  }
  const { config, lines } = examine(module.default);
  const all = [...lines, ...((await options.faults?.(partsOf(module.default))) ?? [])];
  if (!config || all.length > 0) throw faulty(file, all);
  return { config, folder: dirname(file), file };
}

/** The first fault that the bundler found, with its place, or what the config itself has thrown. */
function faultIn(cause: unknown): string {
  const errors: unknown = cause instanceof Error ? Reflect.get(cause, 'errors') : undefined;
  if (Array.isArray(errors) && errors[0]) {
    const { text, location }: Partial<BuildMessage> = errors[0];
    return location ? `line ${location.line}, column ${location.column + 1}: ${text}` : `${text}`;
  }
  return cause instanceof Error ? (cause.message.split('\n')[0] ?? cause.name) : String(cause);
}

/** As esbuild tells of a fault. */
interface BuildMessage {
  readonly text: string;
  readonly location: { readonly line: number; readonly column: number } | null;
}

/** What a config imports `defineConfig` from: the package, or the name it had before it was one. */
const OURS = /^nightjar(-shop)?$/;

/**
 * The config and what it imports as one module. Bundling makes it load the same wherever it stands: beside a package of
 * CommonJS, outside of any package, and without Nightjar being installed there.
 */
async function bundle(file: string): Promise<string> {
  // Loaded here alone: jobs and functions read a checked config and carry no bundler.
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
    plugins: [
      {
        name: 'nightjar',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: OURS }, () => ({ path: 'nightjar', namespace: 'nightjar' }));
          onLoad({ filter: /.*/, namespace: 'nightjar' }, () => ({
            contents: 'export const defineConfig = (config) => config;',
          }));
        },
      },
    ],
  });
  return outputFiles[0]!.text;
}

function describe(issue: z.core.$ZodIssue, root: unknown): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${[...path, key].join('.')}: unknown setting; remove it or check its spelling`,
    );
  }
  return [told(path, valueAt(root, issue.path), expected(issue))];
}

/** One line of an error. */
function told(path: readonly string[], given: unknown, expected: string): string {
  const where = path.length > 0 ? path.join('.') : '(the whole config)';
  return `${where}: given ${shown(given)}, expected ${expected}`;
}

/** As JSON, but for numbers that it has no words for. */
function shown(given: unknown): string {
  if (given === undefined) return 'nothing';
  return typeof given === 'number' ? String(given) : JSON.stringify(given);
}

/** What the reader of an error calls zod's types; the others go by their own name. */
const NOUNS: Readonly<Record<string, string>> = {
  array: 'a list',
  int: 'a whole number',
  object: 'an object',
  record: 'an object',
};

function expected(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return NOUNS[issue.expected] ?? `a ${issue.expected}`;
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  if (issue.code === 'invalid_value')
    return `one of ${issue.values.map((v) => JSON.stringify(v)).join(', ')}`;
  if (issue.code === 'invalid_union' && 'discriminator' in issue && issue.discriminator) {
    const options =
      'options' in issue && Array.isArray(issue.options) ? `: one of ${issue.options.join(', ')}` : '';
    return `a known "${issue.discriminator}"${options}`;
  }
  // Where the schema has words of its own for a bound, those stand.
  if (issue.code === 'too_small' && issue.message.startsWith('Too small')) {
    return bounded(issue, issue.inclusive ? 'at least' : 'above', issue.minimum);
  }
  if (issue.code === 'too_big' && issue.message.startsWith('Too big')) {
    return bounded(issue, issue.inclusive ? 'at most' : 'below', issue.maximum);
  }
  return issue.message;
}

function bounded(
  { origin, exact }: { origin: string; exact?: boolean | undefined },
  relation: string,
  bound: number | bigint,
): string {
  const size = `${exact ? 'exactly' : relation} ${bound}`;
  if (origin === 'string') return `a text of ${size} character${bound === 1 ? '' : 's'}`;
  return origin === 'array'
    ? `a list of ${size}`
    : `a number ${exact || relation.startsWith('at') ? 'of ' : ''}${size}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
