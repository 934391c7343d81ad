import { readFile } from 'node:fs/promises';
import { ConfigError, createPseudonyms, loadOrCreateKey } from '../../lib/data/index.ts';
import type { Workspace } from '../workspace.ts';
import { runSteps } from './shared.ts';

/** Collects an option that may be given more than once. */
export const collected = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

/**
 * The ids that a call names: by --user, and in a file with one id a line.
 * @throws ConfigError where there is none
 */
export async function idsOf(given: readonly string[], file: string | undefined): Promise<string[]> {
  const lines = file === undefined ? [] : (await readFile(file, 'utf8')).split(/\r?\n/);
  const ids = [...new Set([...given, ...lines.map((line) => line.trim())].filter((id) => id !== ''))];
  if (ids.length > 0) return ids;
  throw new ConfigError(
    'no user was named: give --user ID, or --file with one id a line, as the config maps them',
  );
}

export const pseudonymsOf = async ({ keyFile }: Workspace) =>
  createPseudonyms(await loadOrCreateKey(keyFile));

/** One piece of work that a person watches, and what comes of it. */
export async function watchedStep<T>(
  title: string,
  quiet: boolean,
  work: (progress: (text: string) => void) => Promise<T>,
): Promise<T> {
  const context: { result?: T } = {};
  const run = async (into: typeof context, tell: (text: string) => void) => {
    into.result = await work(tell);
    return undefined;
  };
  await runSteps(context, [{ title, run }], quiet);
  return context.result!;
}
