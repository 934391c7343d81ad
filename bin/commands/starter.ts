/** What `nightjar init` writes. docs/config.md describes every setting. */
export const STARTER = `import { defineConfig } from 'nightjar-shop';

export default defineConfig({
  shop: {
    name: 'My shop',
    // One zone defines the shop's days, as-of times and label windows.
    timeZone: 'Europe/Berlin',
  },

  sources: {
    // One entry per kind of file. Files land under drop/<prefix>; the name is yours.
    orders: {
      prefix: 'orders/',
      format: 'csv', // csv, jsonl or parquet; .gz is recognised
      table: 'events', // events, items, users, labels, treatments or identities
      columns: {
        // DuckDB SQL over your columns (all text for csv and jsonl).
        user: 'customer_id',
        time: 'ordered_at',
        type: "'purchase'", // view, search, cart, uncart, favorite, purchase, return, review, message
        item: 'sku',
        quantity: 'quantity',
        price: 'unit_price', // of one unit; or amount: the whole line
        session: 'order_id',
      },
      // Columns that identify a row; without them, equal lines of one file are duplicates.
      // key: ['order_id', 'line'],
      duplicates: 'drop', // or 'keep', where an order may list an item twice
      // timeZone: 'UTC', // of timestamps without an offset, if it is not the shop's
      // rules: [{ name: 'test-user', when: "item = 'TEST'", action: 'quarantine' }], // or 'flag'
    },
    // products: {
    //   format: 'csv',
    //   table: 'items',
    //   columns: { item: 'sku' },
    //   attributes: { categories: ['category', 'brand'] },
    // },
  },

  tasks: {
    // Will a user buy within 30 days?
    purchase: { kind: 'event', event: 'purchase', horizonDays: 30 },
    // Who bought in the last 180 days and will not for 90?
    churn: { kind: 'absence', event: 'purchase', activeDays: 180, horizonDays: 90 },
    // Which items next? "of" may name an item category, such as 'category'.
    preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 30, k: 10 },
  },

  // exports: { formats: ['parquet', 'csv.gz'], controlShare: 0.05, reasons: 3 },
});
`;
