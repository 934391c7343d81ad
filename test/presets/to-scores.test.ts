import { describe, it } from 'vitest';
import { SLOW } from '../e2e/nights.ts';
import { ga4 } from './exports/ga4.ts';
import { shopify } from './exports/shopify.ts';
import { fromExportToScores } from './to-scores.ts';

// The other presets: to-scores.slow.ts.
describe('a shop whose config is made by init', { timeout: SLOW }, () => {
  it('has scores: shopify', () => fromExportToScores('shopify', shopify));
  it('has scores: ga4-bigquery', () => fromExportToScores('ga4-bigquery', ga4));
});
