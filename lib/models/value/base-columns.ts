import type { FeatureName } from '../../features/index.ts';

/** What the trees read of the customer base's forecasts, in this order. */
export const BASE_NAMES: readonly FeatureName[] = [
  { name: 'base.alive', words: 'chance of still being a customer (BG/NBD)', group: 'gaps' },
  { name: 'base.transactions', words: 'days with events to expect (BG/NBD)', group: 'frequency' },
  { name: 'base.mean', words: 'what such a day will come to (Gamma-Gamma)', group: 'money' },
  { name: 'base.value', words: 'what the window will come to (BG/NBD x Gamma-Gamma)', group: 'money' },
];
