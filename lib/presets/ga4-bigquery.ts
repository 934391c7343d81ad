import type { Preset, Shape } from './preset.ts';

const TYPES = `CASE event_name
  WHEN 'view_item' THEN 'view'
  WHEN 'view_search_results' THEN 'search'
  WHEN 'add_to_cart' THEN 'cart'
  WHEN 'remove_from_cart' THEN 'uncart'
  WHEN 'add_to_wishlist' THEN 'favorite'
  WHEN 'purchase' THEN 'purchase'
  WHEN 'refund' THEN 'return' END`;
const NAMES = [...TYPES.matchAll(/WHEN ('\w+')/g)].map(([, name]) => name).join(', ');

/** The daily tables events_YYYYMMDD; the columns are the same in both formats that keep lists. */
const shape = (format: 'jsonl' | 'parquet', written: string): Shape => ({
  title: `the tables events_YYYYMMDD, extracted as ${written}`,
  name: 'events',
  needs: ['event_timestamp', 'event_name', 'event_params', 'user_pseudo_id', 'items'],
  currency: { column: 'event_params', expression: `param(event_params, 'currency')` },
  source: {
    format,
    table: 'events',
    epoch: 'us',
    unnest: 'items',
    columns: {
      user: 'coalesce(user_id, user_pseudo_id)',
      time: 'event_timestamp',
      type: TYPES,
      item: `nullif(element.item_id, '(not set)')`,
      quantity: 'element.quantity',
      price: 'element.price',
      amount: `CASE WHEN element IS NULL AND event_name IN ('purchase', 'refund') THEN param(event_params, 'value') END`,
      session: `user_pseudo_id || '.' || param(event_params, 'ga_session_id')`,
      text: `param(event_params, 'search_term')`,
    },
    optional: ['user_id', 'event_bundle_sequence_id'],
    where: {
      shop_event: `event_name IN (${NAMES})`,
      has_user: 'coalesce(user_id, user_pseudo_id) IS NOT NULL',
    },
    key: ['user_pseudo_id', 'event_timestamp', 'event_name', 'event_bundle_sequence_id', 'element_number'],
  },
  why: {
    epoch: 'Times are microseconds since 1970, UTC.',
    unnest: 'Each item of an event becomes a row: "element" is the item. Events without items stay one row.',
    'columns.user': 'The id that the shop sets where somebody is signed in, else that of the browser.',
    'columns.amount': 'Of purchases and refunds whose items were not sent; else quantity times price.',
    'where.shop_event': 'All other events: page views, scrolls, lists, checkouts.',
    'where.has_user': 'Without consent there is no id.',
    key: 'Tables are written again for three days: an event that comes twice is one.',
  },
  becomes: {
    refunds: 'a return on the day of the refund event',
    cancelled: 'GA4 has no such event; a cancelled order that was refunded is a return',
    guests: 'users by the browser’s id; events without consent have none and are left out (has_user)',
    currencies: 'events in another currency than the shop’s are quarantined',
  },
});

export const ga4BigQuery: Preset = {
  name: 'ga4-bigquery',
  title: 'Google Analytics 4, BigQuery export',
  shapes: [shape('jsonl', 'NEWLINE_DELIMITED_JSON'), shape('parquet', 'PARQUET')],
};
