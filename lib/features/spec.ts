import type { Config } from '../config/index.ts';
import { contentId } from '../data/index.ts';

/** Raise this when day rows or the fold change meaning: old objects then no longer serve. */
const FEATURES_VERSION = 2;

/** Half-lives in days of the decayed count that each item of a user carries. */
export const ITEM_HALF_LIVES = [30, 90] as const;
/** How many main items a visit names. */
export const VISIT_ITEMS = 8;
/** Names the meaning of day rows: they depend on no setting. */
export function daysSpec(): string {
  return contentId({ days: FEATURES_VERSION });
}

/** The settings that states and features depend on: `lateDays` says only which days a snapshot holds. */
export function stateSettings({ features }: Config): Omit<Config['features'], 'lateDays'> {
  const { lateDays, ...settings } = features;
  return settings;
}

/** Names the meaning of a folded state: settings that give other states give another name. */
export function stateSpec(config: Config): string {
  return contentId({
    state: FEATURES_VERSION,
    features: stateSettings(config),
    items: ITEM_HALF_LIVES,
    tokenItems: VISIT_ITEMS,
  });
}
