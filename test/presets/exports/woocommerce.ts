import { csvLine, type Export, utc } from '../shop.ts';

const BILLING = [
  'First Name',
  'Last Name',
  'Company',
  'Address 1&2',
  'City',
  'State Code',
  'Postcode',
  'Country Code',
  'Email',
  'Phone',
];
const HEADER = [
  ...['Order Number', 'Order Status', 'Order Date', 'Customer Note'],
  ...BILLING.map((part) => `${part} (Billing)`),
  ...[
    'Payment Method Title',
    'Cart Discount Amount',
    'Order Subtotal Amount',
    'Order Refund Amount',
    'Order Total Amount',
  ],
  ...[
    'Currency',
    'SKU',
    'Item #',
    'Item Name',
    'Quantity (- Refund)',
    'Item Cost',
    'Coupon Code',
    'Discount Amount',
  ],
];
const line = (
  number: number,
  status: string,
  date: string,
  email: string,
  [place, sku, name, quantity, cost]: readonly [number, string, string, number, number],
  currency = 'EUR',
) =>
  csvLine(HEADER, {
    'Order Number': number,
    'Order Status': status,
    'Order Date': date,
    'Email (Billing)': email,
    Currency: currency,
    SKU: sku,
    'Item #': place,
    'Item Name': name,
    'Quantity (- Refund)': quantity,
    'Item Cost': cost.toFixed(2),
  });
const DAY = '2025-03-01 10:00';

/** Advanced Order Export For WooCommerce, with its default fields and the currency. */
export const wooCsv: Export = {
  file: 'orders.csv',
  header: HEADER.join(','),
  special: [
    line(101, 'Completed', DAY, 'Ann@Shop.example', [1, 'sku-0', 'Lamp', 2, 19.9]),
    line(101, 'Completed', DAY, 'Ann@Shop.example', [2, '', 'Gift card', 1, 25]),
    line(102, 'Refunded', DAY, 'bob@shop.example', [1, 'sku-1', 'Chair', 0, 80]),
    // One of two lines went back.
    line(103, 'Completed', DAY, 'bob@shop.example', [1, 'sku-1', 'Chair', 0, 80]),
    line(103, 'Completed', DAY, 'bob@shop.example', [2, 'sku-2', 'Table', 1, 140]),
    line(104, 'Cancelled', DAY, 'bob@shop.example', [1, 'sku-1', 'Chair', 1, 80]),
    line(105, 'Failed', DAY, 'bob@shop.example', [1, 'sku-1', 'Chair', 1, 80]),
    line(106, 'Pending payment', DAY, 'bob@shop.example', [1, 'sku-1', 'Chair', 1, 80]),
    line(107, 'Processing', DAY, 'eve@shop.example', [1, 'sku-1', 'Chair', 1, 80], 'USD'),
  ],
  rows: (visits) =>
    visits.flatMap(({ id, email, time, lines }) =>
      lines.map(({ sku, title, quantity, price }, i) =>
        line(1000 + id, 'Completed', utc(time).slice(0, 16), email, [i + 1, sku, title, quantity, price]),
      ),
    ),
};

const order = (
  id: number,
  status: string,
  date: string,
  email: string,
  items: readonly (readonly [string, number, number])[],
  more: object = {},
) =>
  JSON.stringify({
    ...{ id, number: String(id), status, currency: 'EUR', date_created_gmt: date, customer_id: 0 },
    billing: { first_name: 'A', email },
    line_items: items.map(([sku, quantity, total], i) => ({
      ...{
        id: id * 10 + i,
        name: sku,
        product_id: 7,
        variation_id: 0,
        quantity,
        total: total.toFixed(2),
        sku,
      },
      price: total / quantity,
    })),
    refunds: [],
    ...more,
  });
const AT = '2025-03-01T10:00:00';

/** WooCommerce's REST API, one order a line. */
export const wooJson: Export = {
  file: 'orders.jsonl',
  special: [
    order(101, 'completed', AT, 'Ann@Shop.example', [
      ['sku-0', 2, 39.8],
      ['', 1, 25],
    ]),
    order(102, 'refunded', AT, 'bob@shop.example', [['sku-1', 1, 80]], {
      refunds: [{ id: 9, total: '-80.00' }],
    }),
    order(103, 'processing', AT, 'bob@shop.example', [['sku-2', 1, 140]], {
      refunds: [{ id: 10, total: '-5.00' }],
    }),
    order(104, 'cancelled', AT, 'bob@shop.example', [['sku-1', 1, 80]]),
    order(105, 'pending', AT, 'bob@shop.example', [['sku-1', 1, 80]]),
    order(106, 'completed', AT, 'eve@shop.example', [['sku-1', 1, 80]], { currency: 'USD' }),
  ],
  rows: (visits) =>
    visits
      .filter(({ lines }) => lines.length > 0)
      .map(({ id, email, time, lines }) =>
        order(
          1000 + id,
          'completed',
          utc(time).replace(' ', 'T'),
          email,
          lines.map(({ sku, quantity, price }) => [sku, quantity, quantity * price]),
        ),
      ),
};
