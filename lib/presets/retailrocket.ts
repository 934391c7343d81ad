import type { Preset } from './preset.ts';

/** events.csv of the data set that Retail Rocket published on Kaggle: a shop's views, carts and transactions of 2015. */
export const retailrocket: Preset = {
  name: 'retailrocket',
  title: 'Retail Rocket’s data set (Kaggle)',
  shapes: [
    {
      title: 'events.csv',
      name: 'events',
      needs: ['timestamp', 'visitorid', 'event', 'itemid', 'transactionid'],
      source: {
        format: 'csv',
        table: 'events',
        epoch: 'ms',
        columns: {
          user: 'visitorid',
          time: 'timestamp',
          type: `CASE event WHEN 'addtocart' THEN 'cart' WHEN 'transaction' THEN 'purchase' ELSE event END`,
          item: 'itemid',
          session: 'transactionid',
        },
      },
      why: { epoch: 'Times are milliseconds since 1970, UTC; where the shop is has not been published.' },
      becomes: {
        refunds: 'the data set has none',
        cancelled: 'the data set has none',
        guests: 'users by visitorid, the browser’s id',
        currencies: 'the data set has no money: amounts are 0',
      },
    },
  ],
};
