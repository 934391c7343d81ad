import { defineConfig } from 'nightjar-shop';

// A year of a grocer's baskets (a sample of lines), with its products and what is known of the households.
export default defineConfig({
  // The publisher states no zone: days are cut as the timestamps are written.
  shop: { name: 'The Complete Journey', timeZone: 'UTC' },
  sources: {
    transactions: {
      prefix: 'transactions/',
      format: 'csv',
      table: 'events',
      columns: {
        user: 'household_id',
        time: 'transaction_timestamp',
        type: `'purchase'`,
        item: 'product_id',
        quantity: 'quantity',
        amount: 'sales_value',
        session: 'basket_id',
      },
      duplicates: 'keep',
    },
    products: {
      prefix: 'products/',
      format: 'csv',
      table: 'items',
      columns: { item: 'product_id' },
      key: ['product_id'],
      attributes: { categories: ['product_category', 'department', 'brand'], texts: ['product_type'] },
    },
    households: {
      prefix: 'households/',
      format: 'csv',
      table: 'users',
      columns: { user: 'household_id' },
      key: ['household_id'],
      attributes: {
        categories: ['age', 'income', 'home_ownership', 'marital_status', 'household_size', 'household_comp'],
        numbers: { kids_count: `TRY_CAST(replace(kids_count, '3+', '3') AS DOUBLE)` },
      },
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 30 },
    churn: { kind: 'absence', event: 'purchase', horizonDays: 30, activeDays: 60 },
    preference: { kind: 'next', event: 'purchase', of: 'product_category', horizonDays: 31, k: 10 },
  },
});
