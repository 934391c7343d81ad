import { expect, it } from 'vitest';
import { decodeArrow, encodeArrow } from '../../../lib/data/index.ts';
import { finetuneRun } from '../../../lib/models/index.ts';
import { planRun } from '../../../lib/run/index.ts';
import { dropAll, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from '../../e2e/shop.ts';

const defaults = shopConfig();

it(
  'a number that no model can learn from is told with drop, source, column and time',
  async () => {
    // given: canonical rows, of which one quantity is beyond all bounds, as an older mapping or another writer may leave it
    const shop = await openShop({
      ...defaults,
      tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } },
      model: { ...defaults.model, layers: 0 },
    });
    await dropAll(shop, [...weekly(shopLog(30).filter(({ day }) => day < AS_OF))].slice(0, 5));
    const [first] = await shop.ingest(() => {});
    const clean = first?.state === 'done' ? first.clean! : '';
    const bytes = await (await shop.store.get(clean)).bytes();
    const [batch] = decodeArrow(bytes, clean).batches;
    const row = Array.from(batch!.getChild('type')!).indexOf(5);
    const quantity = batch!.schema.fields.findIndex(({ name }) => name === 'quantity');
    // The columns are views of the bytes.
    batch!.data.children[quantity]!.values[row] = 1e300;
    const { fields, metadata } = batch!.schema;
    await shop.store.put(clean, encodeArrow(fields, [batch!], Object.fromEntries(metadata)));
    for await (const { key } of shop.store.list('days/')) await shop.store.delete(key);
    const drops = await shop.ingest(() => {});
    const { runId } = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
    // when
    const training = finetuneRun({ store: shop.store, runId, progress: () => {} });
    // then
    await expect(training).rejects.toThrow(
      new RegExp(
        `^the feature \\S+ of a user is no finite number: the largest number read of that user is quantity 1e\\+300 at ` +
          `2025-0\\S+Z in ${first!.key} \\(source log\\): correct it there, or leave such rows out by a rule`,
      ),
    );
  },
  SLOW,
);
