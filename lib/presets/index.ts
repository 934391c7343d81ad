import { ConfigError } from '../data/index.ts';
import { ga4BigQuery } from './ga4-bigquery.ts';
import { magento } from './magento.ts';
import type { Preset } from './preset.ts';
import { retailrocket } from './retailrocket.ts';
import { shopify } from './shopify.ts';
import { snowplow } from './snowplow.ts';
import { rudderstack, segment } from './track-calls.ts';
import { woocommerce } from './woocommerce.ts';

export { type Cure, curesFor } from './cures/index.ts';
export type { Guess } from './guess.ts';
export type { Preset } from './preset.ts';
export { type Started, startFrom } from './start.ts';

/** Exports that are known, in the order in which the help lists them. */
export const PRESETS: readonly Preset[] = [
  shopify,
  woocommerce,
  magento,
  ga4BigQuery,
  segment,
  rudderstack,
  snowplow,
  retailrocket,
];

/** The name on the command line for any other file, whose columns are guessed. */
export const ANY_FILE = 'csv';

/** All names that `--from` takes. */
export const PRESET_NAMES: readonly string[] = [...PRESETS.map(({ name }) => name), ANY_FILE];

/** @returns undefined for any file @throws ConfigError for a name that is none */
export function presetNamed(name: string): Preset | undefined {
  if (name === ANY_FILE) return undefined;
  const preset = PRESETS.find((one) => one.name === name);
  if (!preset) throw new ConfigError(`--from ${name}: give one of ${PRESET_NAMES.join(', ')}`);
  return preset;
}
