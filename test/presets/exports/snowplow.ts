import { snowplow as preset } from '../../../lib/presets/snowplow.ts';
import { type Export, utc } from '../shop.ts';

const FIELDS = preset.shapes[0]!.source.csv!.columns!;
const ECOMMERCE = 'iglu:com.snowplowanalytics.snowplow.ecommerce';

const line = (fields: Readonly<Record<string, string | number>>) => {
  for (const name of Object.keys(fields)) if (!FIELDS.includes(name)) throw new Error(`no field ${name}`);
  return FIELDS.map((name) => String(fields[name] ?? '')).join('\t');
};
let count = 0;
const base = (user: string, ms: number, id = `e-${count++}`) => ({
  ...{ app_id: 'shop', platform: 'web', event_id: id, domain_userid: user, domain_sessionid: `s-${user}` },
  ...{
    collector_tstamp: `${utc(ms)}.123`,
    derived_tstamp: `${utc(ms)}.120`,
    useragent: '"Mozilla/5.0 (X11)"',
  },
});
const product = (id: string, price: number, quantity = 1, currency = 'EUR') => ({
  schema: `${ECOMMERCE}/product/jsonschema/1-0-0`,
  data: { id, name: 'A "red" lamp', category: 'lamps', price, quantity, currency },
});
const PAGE = { schema: 'iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0', data: { id: 'p' } };
const action = (
  type: string,
  user: string,
  ms: number,
  products: readonly object[],
  more: Record<string, string> = {},
  id?: string,
) =>
  line({
    ...base(user, ms, id),
    ...{
      event: 'unstruct',
      event_name: 'snowplow_ecommerce_action',
      event_vendor: 'com.snowplowanalytics.snowplow.ecommerce',
    },
    contexts: JSON.stringify({
      schema: 'iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0',
      data: [PAGE, ...products],
    }),
    unstruct_event: JSON.stringify({
      schema: 'iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0',
      data: { schema: `${ECOMMERCE}/snowplow_ecommerce_action/jsonschema/1-0-2`, data: { type } },
    }),
    ...more,
  });
const AT = Date.UTC(2025, 2, 1, 10);

export const snowplow: Export = {
  file: 'part-00000.tsv',
  special: [
    line({ ...base('d-1', AT), event: 'page_view', event_name: 'page_view', page_title: 'It\'s 5" wide' }),
    line({ ...base('d-1', AT + 1), event: 'page_ping', event_name: 'page_ping' }),
    action('product_view', 'd-1', AT + 1000, [product('sku-0', 19.9)]),
    action('add_to_cart', 'd-1', AT + 2000, [product('sku-0', 19.9, 2)]),
    action(
      'transaction',
      'd-1',
      AT + 3000,
      [product('sku-0', 19.9, 2), product('sku-1', 80)],
      { user_id: 'ann' },
      'order-1',
    ),
    // Delivered twice.
    action(
      'transaction',
      'd-1',
      AT + 3000,
      [product('sku-0', 19.9, 2), product('sku-1', 80)],
      { user_id: 'ann' },
      'order-1',
    ),
    action('refund', 'd-1', AT + 4000, [product('sku-1', 80)], { user_id: 'ann' }),
    action('checkout_step', 'd-1', AT + 5000, []),
    // The older trackers send each line of an order as an event.
    line({
      ...base('d-2', AT + 6000),
      event: 'transaction_item',
      event_name: 'transaction_item',
      ti_orderid: 'T2',
      ti_sku: 'sku-2',
      ti_price: 140,
      ti_quantity: 1,
      ti_currency: 'EUR',
    }),
    action('transaction', 'd-3', AT + 7000, [product('sku-3', 12, 1, 'USD')]),
  ],
  rows: (visits) =>
    visits.flatMap(({ id, customer, time, looks, lines }) => [
      ...looks.map((sku, i) =>
        action('product_view', `u-${customer}`, time + 1000 * i, [product(sku, 20)], {}, `v-${id}-${i}`),
      ),
      ...(lines.length > 0
        ? [
            action(
              'transaction',
              `u-${customer}`,
              time + 60_000,
              lines.map(({ sku, price, quantity }) => product(sku, price, quantity)),
              {},
              `o-${id}`,
            ),
          ]
        : []),
    ]),
};
