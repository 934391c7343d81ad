import type { Export } from '../shop.ts';

const AT = Date.UTC(2025, 2, 1, 10);
let count = 0;

function call(
  event: string,
  who: { anonymousId: string; userId?: string | null },
  ms: number,
  properties: object,
  id?: string,
) {
  const at = new Date(ms).toISOString();
  return JSON.stringify({
    ...who,
    ...{ channel: 'client', context: { ip: '203.0.113.5', library: { name: 'analytics.js' } } },
    ...{
      event,
      integrations: {},
      messageId: id ?? `m-${count++}`,
      originalTimestamp: at,
      receivedAt: at,
      sentAt: at,
    },
    ...{ timestamp: at, type: 'track', properties },
  });
}
const product = (id: string, price: number, quantity = 1) => ({
  product_id: id,
  sku: id,
  name: id,
  price,
  quantity,
});
const ANN = { anonymousId: 'anon-1', userId: 'ann' };
const GUEST = { anonymousId: 'anon-2', userId: null };

const special = [
  JSON.stringify({
    type: 'page',
    anonymousId: 'anon-1',
    messageId: 'p-1',
    timestamp: new Date(AT).toISOString(),
    properties: { path: '/' },
  }),
  JSON.stringify({
    type: 'identify',
    anonymousId: 'anon-1',
    userId: 'ann',
    messageId: 'i-1',
    timestamp: new Date(AT).toISOString(),
    traits: {},
  }),
  call('Newsletter Signed Up', ANN, AT, {}),
  call('Products Searched', ANN, AT + 1000, { query: 'red lamp' }),
  call('Product Viewed', GUEST, AT + 2000, { product_id: 'sku-0', price: 19.9, currency: 'EUR' }),
  call('Product Added', ANN, AT + 3000, { product_id: 'sku-0', price: 19.9, quantity: 2, currency: 'EUR' }),
  call(
    'Order Completed',
    ANN,
    AT + 4000,
    {
      order_id: 'T1',
      currency: 'EUR',
      total: 119.8,
      products: [product('sku-0', 19.9, 2), product('sku-1', 80)],
    },
    'order-1',
  ),
  // Delivered twice.
  call(
    'Order Completed',
    ANN,
    AT + 4000,
    {
      order_id: 'T1',
      currency: 'EUR',
      total: 119.8,
      products: [product('sku-0', 19.9, 2), product('sku-1', 80)],
    },
    'order-1',
  ),
  call('Order Refunded', ANN, AT + 5000, {
    order_id: 'T1',
    currency: 'EUR',
    total: 80,
    products: [product('sku-1', 80)],
  }),
  call('Order Completed', GUEST, AT + 6000, { order_id: 'T2', currency: 'EUR', total: 42.5 }),
  call('Order Cancelled', GUEST, AT + 7000, { order_id: 'T2', currency: 'EUR', total: 42.5 }),
  call('Order Completed', GUEST, AT + 8000, {
    order_id: 'T3',
    currency: 'USD',
    total: 12,
    products: [product('sku-3', 12)],
  }),
];

const rows: Export['rows'] = (visits) =>
  visits.flatMap(({ id, customer, time, looks, lines }) => {
    const who = { anonymousId: `a-${customer}`, userId: `u-${customer}` };
    return [
      ...looks.map((sku, i) =>
        call('Product Viewed', who, time + 1000 * i, { product_id: sku, currency: 'EUR' }, `v-${id}-${i}`),
      ),
      ...(lines.length > 0
        ? [
            call(
              'Order Completed',
              who,
              time + 60_000,
              {
                order_id: `O${id}`,
                currency: 'EUR',
                products: lines.map(({ sku, price, quantity }) => product(sku, price, quantity)),
              },
              `o-${id}`,
            ),
          ]
        : []),
    ];
  });

export const segment: Export = { file: '1740823200000.gz.jsonl', special, rows };
export const rudderstack: Export = { file: 'rudder.json', special, rows };
