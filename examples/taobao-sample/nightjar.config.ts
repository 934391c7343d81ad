import { defineConfig } from 'nightjar-shop';

// Views, carts, favourites and purchases of a marketplace over nine days. The data's licence is not stated, so only
// the config is here: drop the file under `behaviour/`.
export default defineConfig({
  shop: { name: 'Taobao sample', timeZone: 'Asia/Shanghai' },
  sources: {
    behaviour: {
      prefix: 'behaviour/',
      format: 'csv',
      csv: { columns: ['user', 'item', 'category', 'behaviour', 'seconds'] },
      table: 'events',
      columns: {
        user: '"user"',
        time: 'to_timestamp(seconds::BIGINT)',
        type: `CASE behaviour WHEN 'pv' THEN 'view' WHEN 'fav' THEN 'favorite' WHEN 'buy' THEN 'purchase' ELSE behaviour END`,
        item: 'item',
      },
    },
  },
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 2 },
    // Those who have looked around and never bought: most visitors of a shop.
    firstPurchase: { kind: 'event', event: 'purchase', horizonDays: 2, population: 'prospects' },
    // Everyone seen in the last week, buyers or not.
    visitorBuys: { kind: 'event', event: 'purchase', horizonDays: 2, population: 'known', knownDays: 7 },
    preference: { kind: 'next', event: 'view', of: 'item', horizonDays: 1, k: 20 },
  },
});
