import { describe, it } from 'vitest';
import { SLOW } from '../e2e/nights.ts';
import { ga4 } from './exports/ga4.ts';
import { magento } from './exports/magento.ts';
import { anyCsv, retailrocket } from './exports/others.ts';
import { shopify } from './exports/shopify.ts';
import { snowplow } from './exports/snowplow.ts';
import { rudderstack, segment } from './exports/track.ts';
import { wooCsv, wooJson } from './exports/woocommerce.ts';
import { fromExportToScores } from './to-scores.ts';

describe('a shop whose config is made by init', { timeout: SLOW }, () => {
  it.each([
    ['shopify', 'the orders export', shopify],
    ['woocommerce', 'csv of the plugin', wooCsv],
    ['woocommerce', 'the REST API', wooJson],
    ['magento', 'the REST API', magento],
    ['segment', 'the archive', segment],
    ['rudderstack', 'the archive', rudderstack],
    ['ga4-bigquery', 'lines of JSON', ga4],
    ['snowplow', 'the enriched stream', snowplow],
    ['retailrocket', 'events.csv', retailrocket],
    ['csv', 'any file', anyCsv],
  ])('has scores: %s, %s', (from, _, made) => fromExportToScores(from, made));
});
