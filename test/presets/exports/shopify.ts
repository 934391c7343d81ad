import { csvLine, type Export, utc } from '../shop.ts';

const ADDRESS = [
  'Name',
  'Street',
  'Address1',
  'Address2',
  'Company',
  'City',
  'Zip',
  'Province',
  'Country',
  'Phone',
];
const HEADER = [
  ...[
    'Name',
    'Email',
    'Financial Status',
    'Paid at',
    'Fulfillment Status',
    'Fulfilled at',
    'Accepts Marketing',
  ],
  ...[
    'Currency',
    'Subtotal',
    'Shipping',
    'Taxes',
    'Total',
    'Discount Code',
    'Discount Amount',
    'Shipping Method',
  ],
  ...[
    'Created at',
    'Lineitem quantity',
    'Lineitem name',
    'Lineitem price',
    'Lineitem compare at price',
    'Lineitem sku',
  ],
  ...['Lineitem requires shipping', 'Lineitem taxable', 'Lineitem fulfillment status'],
  ...ADDRESS.map((part) => `Billing ${part}`),
  ...ADDRESS.map((part) => `Shipping ${part}`),
  ...[
    'Notes',
    'Note Attributes',
    'Cancelled at',
    'Payment Method',
    'Payment Reference',
    'Refunded Amount',
    'Vendor',
  ],
  ...['Outstanding Balance', 'Employee', 'Location', 'Device ID', 'Id', 'Tags', 'Risk Level', 'Source'],
  ...[
    'Lineitem discount',
    'Tax 1 Name',
    'Tax 1 Value',
    'Phone',
    'Receipt Number',
    'Duties',
    'Billing Province Name',
  ],
  ...[
    'Shipping Province Name',
    'Payment ID',
    'Payment Terms Name',
    'Next Payment Due At',
    'Payment References',
  ],
];

const line = (fields: Record<string, string | number>) => csvLine(HEADER, fields);
const item = (name: string, sku: string, quantity: number, price: number, discount = 0) => ({
  'Lineitem quantity': quantity,
  'Lineitem name': name,
  'Lineitem price': price.toFixed(2),
  'Lineitem sku': sku,
  'Lineitem discount': discount.toFixed(2),
});
const order = (name: string, status: string, more: Record<string, string | number> = {}) => ({
  Name: name,
  Email: 'Ann@Shop.example',
  'Financial Status': status,
  'Paid at': '2025-03-01 10:00:07 +0100',
  Currency: 'EUR',
  'Created at': '2025-03-01 10:00:00 +0100',
  Id: `55000${name.slice(1)}`,
  ...more,
});

export const shopify: Export = {
  file: 'orders_export.csv',
  header: HEADER.join(','),
  special: [
    // An order over three lines: only the first carries what belongs to the order.
    line({
      ...order('#1001', 'paid', { Notes: 'ring twice,\n"please"' }),
      ...item('Lamp - Red', 'sku-0', 2, 19.9, 3.8),
    }),
    line({ Name: '#1001', ...item('Chair', 'sku-1', 1, 80) }),
    line({ Name: '#1001', ...item('Gift card', '', 1, 25) }),
    // Paid, and back again.
    line({ ...order('#1002', 'refunded', { 'Refunded Amount': '80.00' }), ...item('Chair', 'sku-1', 1, 80) }),
    line({ Name: '#1002', ...item('Lamp - Red', 'sku-0', 1, 19.9) }),
    line({
      ...order('#1003', 'partially_refunded', { 'Refunded Amount': '5.00' }),
      ...item('Table', 'sku-2', 1, 140),
    }),
    // Cancelled before and after it was paid.
    line({
      ...order('#1004', 'voided', { 'Cancelled at': '2025-03-01 11:00:00 +0100' }),
      ...item('Table', 'sku-2', 1, 140),
    }),
    line({
      ...order('#1005', 'refunded', { 'Cancelled at': '2025-03-02 09:00:00 +0100' }),
      ...item('Table', 'sku-2', 1, 140),
    }),
    line({ ...order('#1006', 'pending', { 'Paid at': '' }), ...item('Vase', 'sku-3', 1, 12) }),
    line({ ...order('#1007', 'paid', { Currency: 'USD' }), ...item('Vase', 'sku-3', 1, 12) }),
    // Guests: in the store without a trace, and by telephone alone.
    line({ ...order('#1008', 'paid', { Email: '', Location: 'Store' }), ...item('Vase', 'sku-3', 1, 12) }),
    line({ ...order('#1009', 'paid', { Email: '', Phone: '+49 30 1234' }), ...item('Vase', 'sku-3', 1, 12) }),
  ],
  rows: (visits) =>
    visits.flatMap(({ id, email, time, lines }) =>
      lines.map(({ sku, title, quantity, price }, i) =>
        line({
          ...(i === 0
            ? order(`#${2000 + id}`, 'paid', { Email: email, 'Created at': `${utc(time + 3_600_000)} +0100` })
            : { Name: `#${2000 + id}` }),
          ...item(title, sku, quantity, price),
        }),
      ),
    ),
};
