import { defineConfig } from 'nightjar-shop';

// Two years of a British giftware wholesaler's invoices, one file a day (UCI Online Retail).
export default defineConfig({
  shop: { name: 'Online Retail', timeZone: 'Europe/London' },
  sources: {
    transactions: {
      prefix: 'transactions/',
      format: 'csv',
      table: 'events',
      columns: {
        // The publisher's export turned whole numbers into floats: 17850.0.
        user: String.raw`regexp_replace(CustomerID, '\.0$', '')`,
        time: 'InvoiceDate',
        type: `CASE WHEN InvoiceNo LIKE 'C%' OR Quantity::BIGINT <= 0 THEN 'return' ELSE 'purchase' END`,
        item: 'StockCode',
        quantity: 'Quantity',
        price: 'UnitPrice',
        session: 'InvoiceNo',
        text: 'Description',
      },
      // An invoice may list an item twice: equal lines are told in the quality file and kept.
      duplicates: 'keep',
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 90 },
    purchase30: { kind: 'event', event: 'purchase', horizonDays: 30 },
    churn: { kind: 'absence', event: 'purchase', horizonDays: 90, activeDays: 180 },
    // What each customer will spend, returns not taken off.
    spend: { kind: 'value', of: 'money', horizonDays: 90 },
    preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 30, k: 20 },
  },
  // Names of what was bought: the report says what they add.
  text: { encoder: { vocabulary: 2000 }, maxLength: 24 },
});
