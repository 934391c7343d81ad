import type { Preset } from './preset.ts';

/** Magento 2 and Adobe Commerce: GET /rest/V1/orders, of whose answer each order is a line. */
export const magento: Preset = {
  name: 'magento',
  title: 'Magento 2, Adobe Commerce',
  nearly: {
    columns: ['items', 'search_criteria', 'total_count'],
    cure: 'this is the whole answer of the REST API: write one order a line, jq -c ".items[]" answer.json > orders.jsonl',
  },
  shapes: [
    {
      title: 'the REST API, GET /rest/V1/orders, one order a line (jq -c ".items[]")',
      name: 'orders',
      needs: ['increment_id', 'created_at', 'state', 'customer_email', 'base_currency_code', 'items'],
      currency: { column: 'base_currency_code', expression: 'base_currency_code' },
      source: {
        format: 'jsonl',
        table: 'events',
        timeZone: 'UTC',
        unnest: 'items',
        columns: {
          user: 'lower(trim(customer_email))',
          time: 'created_at',
          type: `'purchase'`,
          item: 'element.sku',
          quantity: 'element.qty_ordered',
          price: 'element.base_price',
          amount: 'element.base_row_total::DOUBLE - coalesce(element.base_discount_amount::DOUBLE, 0)',
          session: 'increment_id',
        },
        where: {
          one_line_a_product: 'element.parent_item_id IS NULL',
          not_cancelled: `state <> 'canceled'`,
          not_refunded: `state <> 'closed' AND coalesce(element.qty_refunded::DOUBLE, 0) < element.qty_ordered::DOUBLE`,
          paid: `state IN ('processing', 'complete')`,
        },
        key: ['increment_id', 'element.item_id'],
      },
      why: {
        timeZone: 'The API gives times in UTC.',
        unnest: 'Each line of an order becomes a row: "element" is the line.',
        'columns.user': 'Guests have an address, too: who registers later stays the same user.',
        'columns.price':
          'In the base currency, in which the shop’s money is counted, whatever the customer paid in.',
        'where.one_line_a_product':
          'A configurable product stands in an order twice: its child has no price.',
        'where.not_refunded':
          'The order does not say when money went back, so no return can be dated. Lines that went back in part stay, in full.',
        'where.paid': 'Take this off if you count orders that are still to be paid.',
      },
      becomes: {
        refunds: 'closed orders and lines that went back as a whole are left out (not_refunded)',
        cancelled: 'left out (not_cancelled)',
        guests: 'users by their e-mail address, which every order has',
        currencies: 'money is read in the base currency; a second base currency is quarantined',
      },
    },
  ],
};
