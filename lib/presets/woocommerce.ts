import type { Preset } from './preset.ts';

const REFUNDS = 'The export does not say when money went back, so no return can be dated.';
const becomes = {
  refunds: 'refunded orders and lines are left out (not_refunded)',
  cancelled: 'left out (not_cancelled), as failed ones are',
  guests: 'users by the e-mail address of the bill, which every order has',
};

/** WooCommerce itself exports no order lines: its REST API has them, and the plugin that most shops export with. */
export const woocommerce: Preset = {
  name: 'woocommerce',
  title: 'WooCommerce',
  shapes: [
    {
      title: 'the plugin "Advanced Order Export For WooCommerce", csv, with its default fields',
      name: 'orders',
      needs: [
        'Order Number',
        'Order Status',
        'Order Date',
        'Email (Billing)',
        'SKU',
        'Item #',
        'Item Name',
        'Quantity (- Refund)',
        'Item Cost',
      ],
      currency: { column: 'Currency', expression: 'Currency' },
      source: {
        format: 'csv',
        table: 'events',
        columns: {
          user: `lower(trim("Email (Billing)"))`,
          time: 'Order Date',
          type: `'purchase'`,
          item: `coalesce(nullif("SKU", ''), "Item Name")`,
          quantity: 'Quantity (- Refund)',
          price: 'Item Cost',
          session: 'Order Number',
        },
        where: {
          not_cancelled: `lower("Order Status") NOT IN ('cancelled', 'failed')`,
          not_refunded: `lower("Order Status") <> 'refunded' AND "Quantity (- Refund)" <> '0'`,
          paid: `lower("Order Status") NOT IN ('pending payment', 'on hold', 'draft')`,
        },
        key: ['Order Number', 'Item #'],
      },
      why: {
        'columns.user': 'Guests have an address, too: who registers later stays the same user.',
        'columns.quantity': 'What was refunded of a line is taken off already.',
        'where.not_refunded': REFUNDS,
        'where.paid': 'Take this off if you count orders that are still to be paid.',
      },
      becomes: {
        ...becomes,
        currencies: 'another than the shop’s is quarantined, if the field "Currency" was exported',
      },
    },
    {
      title: 'the REST API, GET /wp-json/wc/v3/orders, one order a line (jq -c ".[]")',
      name: 'orders',
      needs: ['id', 'status', 'currency', 'date_created_gmt', 'billing', 'line_items'],
      currency: { column: 'currency', expression: 'currency' },
      source: {
        format: 'jsonl',
        table: 'events',
        timeZone: 'UTC',
        unnest: 'line_items',
        columns: {
          user: 'lower(trim(billing.email))',
          time: 'date_created_gmt',
          type: `'purchase'`,
          item: `coalesce(nullif(element.sku, ''), element.product_id)`,
          quantity: 'element.quantity',
          amount: 'element.total',
          session: 'id',
        },
        where: {
          not_cancelled: `status NOT IN ('cancelled', 'failed', 'trash')`,
          not_refunded: `status <> 'refunded'`,
          paid: `status NOT IN ('pending', 'on-hold', 'checkout-draft')`,
        },
        key: ['id', 'element.id'],
      },
      why: {
        unnest: 'Each line of an order becomes a row: "element" is the line.',
        'columns.user': 'Guests have an address, too: who registers later stays the same user.',
        'columns.amount': 'Of the whole line, after discounts and before tax.',
        'where.not_refunded': REFUNDS,
        'where.paid': 'Take this off if you count orders that are still to be paid.',
      },
      becomes: { ...becomes, currencies: 'orders in another currency than the shop’s are quarantined' },
    },
  ],
};
