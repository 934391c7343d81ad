import { defineConfig } from 'nightjar';

// One row a visit to a web shop; did it end in a purchase? No users and no times: a labelled table.
export default defineConfig({
  shop: { name: 'Online Shoppers', timeZone: 'UTC' },
  sources: {
    sessions: {
      prefix: 'sessions/',
      format: 'csv',
      table: 'labels',
      columns: {
        label: 'Revenue',
        split: `CASE WHEN crc32(row_number::VARCHAR) % 5 = 0 THEN 'test' ELSE 'train' END`,
      },
      // 125 rows equal another: two visits may look alike.
      duplicates: 'keep',
      attributes: {
        numbers: [
          'Administrative',
          'Administrative_Duration',
          'Informational',
          'Informational_Duration',
          'ProductRelated',
          'ProductRelated_Duration',
          'BounceRates',
          'ExitRates',
          'PageValues',
          'SpecialDay',
        ],
        categories: [
          'Month',
          'OperatingSystems',
          'Browser',
          'Region',
          'TrafficType',
          'VisitorType',
          'Weekend',
        ],
      },
    },
  },
  tasks: {
    purchase: { kind: 'label', source: 'sessions', positive: 'TRUE' },
    // PageValues is computed from the purchase itself: what is known without it?
    purchaseBlind: { kind: 'label', source: 'sessions', positive: 'TRUE', exclude: ['PageValues'] },
  },
});
