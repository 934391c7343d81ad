import { defineConfig } from 'nightjar-shop';

const number = (column: string) => `${column}::DOUBLE`;
const pages = `(${number('Administrative')} + ${number('Informational')} + ${number('ProductRelated')})`;
const seconds = `(${number('Administrative_Duration')} + ${number('Informational_Duration')} + ${number('ProductRelated_Duration')})`;

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
        numbers: {
          Administrative: 'Administrative',
          Administrative_Duration: 'Administrative_Duration',
          Informational: 'Informational',
          Informational_Duration: 'Informational_Duration',
          ProductRelated: 'ProductRelated',
          ProductRelated_Duration: 'ProductRelated_Duration',
          BounceRates: 'BounceRates',
          ExitRates: 'ExitRates',
          PageValues: 'PageValues',
          SpecialDay: 'SpecialDay',
          // What pages and times say together, in SQL.
          administrative_seconds_per_page: `${number('Administrative_Duration')} / greatest(${number('Administrative')}, 1)`,
          informational_seconds_per_page: `${number('Informational_Duration')} / greatest(${number('Informational')}, 1)`,
          product_seconds_per_page: `${number('ProductRelated_Duration')} / greatest(${number('ProductRelated')}, 1)`,
          pages: pages,
          seconds: seconds,
          product_share_of_pages: `${number('ProductRelated')} / greatest(${pages}, 1)`,
          product_share_of_seconds: `${number('ProductRelated_Duration')} / greatest(${seconds}, 1)`,
          bounces: `${number('BounceRates')} * ${number('ProductRelated')}`,
          exits: `${number('ExitRates')} * ${number('ProductRelated')}`,
          exits_less_bounces: `${number('ExitRates')} - ${number('BounceRates')}`,
          bounces_of_exits: `${number('BounceRates')} / greatest(${number('ExitRates')}, 0.0001)`,
        },
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
