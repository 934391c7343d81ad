import type { Preset } from './preset.ts';

/**
 * Orders > Export > "Plain CSV file" of the admin: one line for each line of an order, of which the first alone carries what
 * belongs to the order.
 */
export const shopify: Preset = {
  name: 'shopify',
  title: 'Shopify',
  shapes: [
    {
      title: 'Orders > Export > Plain CSV file',
      name: 'orders',
      needs: [
        'Name',
        'Email',
        'Financial Status',
        'Currency',
        'Created at',
        'Lineitem quantity',
        'Lineitem name',
        'Lineitem price',
        'Lineitem sku',
        'Cancelled at',
      ],
      currency: { column: 'Currency', expression: 'Currency' },
      source: {
        format: 'csv',
        table: 'events',
        fill: {
          by: 'Name',
          columns: ['Email', 'Phone', 'Financial Status', 'Currency', 'Created at', 'Cancelled at'],
        },
        columns: {
          user: `coalesce(nullif(lower(trim("Email")), ''), nullif(trim("Phone"), ''))`,
          time: 'Created at',
          type: `'purchase'`,
          item: `coalesce(nullif("Lineitem sku", ''), "Lineitem name")`,
          quantity: 'Lineitem quantity',
          price: 'Lineitem price',
          amount: `"Lineitem quantity"::DOUBLE * "Lineitem price"::DOUBLE - coalesce("Lineitem discount"::DOUBLE, 0)`,
          session: 'Name',
        },
        optional: ['Phone', 'Lineitem discount'],
        where: {
          not_cancelled: `"Cancelled at" IS NULL AND "Financial Status" <> 'voided'`,
          not_refunded: `"Financial Status" <> 'refunded'`,
          paid: `"Financial Status" IN ('paid', 'partially_paid', 'partially_refunded')`,
          has_customer: `coalesce("Email", "Phone", '') <> ''`,
        },
        key: ['Name'],
        duplicates: 'keep',
      },
      why: {
        fill: 'Only the first line of an order carries these.',
        'columns.user': 'Guests have an address, too: who registers later stays the same user.',
        'columns.item': 'Products without a SKU go by their name.',
        'where.not_refunded':
          'The export does not say when money went back, so no return can be dated. Partly refunded orders stay, in full.',
        'where.paid': 'Take this off if you count orders that are still to be paid.',
        'where.has_customer': 'Sales in a store without a customer.',
        key: 'An order that is exported again replaces the one from before, with all of its lines.',
      },
      becomes: {
        refunds: 'refunded orders are left out (not_refunded); partly refunded ones stay in full',
        cancelled: 'left out (not_cancelled), as voided ones are',
        guests:
          'users by their e-mail address or telephone number; orders with neither are left out (has_customer)',
        currencies: 'orders in another currency than the shop’s are quarantined',
      },
    },
    {
      title: 'Products > Export > Plain CSV file',
      name: 'products',
      needs: ['Handle', 'Title', 'Vendor', 'Type', 'Variant SKU'],
      source: {
        format: 'csv',
        table: 'items',
        fill: { by: 'Handle', columns: ['Title', 'Vendor', 'Type'] },
        columns: { item: 'Variant SKU' },
        attributes: { categories: { category: 'Type', vendor: 'Vendor' }, texts: { title: 'Title' } },
        where: { has_sku: `coalesce("Variant SKU", '') <> ''` },
        key: ['Variant SKU'],
      },
      why: {
        fill: 'Only the first line of a product carries these.',
        'where.has_sku': 'Lines of further images, and variants that no order line can name.',
      },
      becomes: { refunds: '', cancelled: '', guests: '', currencies: '' },
    },
  ],
};
