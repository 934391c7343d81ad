import { describe, it } from 'vitest';
import { SLOW } from '../e2e/nights.ts';
import { shopify } from './exports/shopify.ts';
import { fromExportToScores } from './to-scores.ts';

// The other presets: to-scores.slow.ts.
describe('a shop whose config is made by init', { timeout: SLOW }, () => {
  it('has scores: shopify', () => fromExportToScores('shopify', shopify));
});
