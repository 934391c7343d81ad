import { expect, it } from 'vitest';
import { bucketState } from '../../bin/commands/bucket-state.ts';
import { checkShown } from '../../bin/commands/held.ts';
import { formatDay, parseDay } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { CURRENT_VIEW, type ExportManifest, releaseExport } from '../../lib/export/index.ts';
import { isFinished } from '../../lib/run/index.ts';
import { readJson } from '../../lib/runtime/index.ts';
import { ALL } from '../all.ts';
import { dropAll, night, openShop, SLOW } from './nights.ts';
import { HEADER, shopConfig } from './shop.ts';

const FIRST = parseDay('2025-01-06');
const DAYS = 63;

/** A day of 200 purchases by users who come back every other week. */
function dayFile(day: number, factor = 1): string {
  const rng = createRng(`day ${day}`);
  const lines = Array.from({ length: 200 }, (_, i) => {
    const price = ((500 + rng.integer(1000)) / 100) * factor;
    return `U${(i + 37 * day) % 900},${formatDay(day)} 15:${10 + rng.integer(50)}:00,purchase,sku-${i % 9},1,${price.toFixed(2)},`;
  });
  return `${[HEADER, ...lines].join('\n')}\n`;
}

it.runIf(ALL)(
  'an export of data that are unlike such days before is held back until a person releases it',
  async () => {
    // given: nine weeks, and a night
    const shop = await openShop(
      shopConfig({ tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 7 } }, shards: 1 }),
    );
    const { store, config } = shop;
    const files = Array.from({ length: DAYS }, (_, i): [string, string] => [`${i}.csv`, dayFile(FIRST + i)]);
    await dropAll(shop, files);
    const good = await night(shop, formatDay(FIRST + DAYS));
    const shown = async () => (await readJson<ExportManifest>(store, CURRENT_VIEW))!;
    expect((await shown()).runId).toBe(good.runId);
    expect((await shown()).watch).toEqual({ days: [formatDay(FIRST + DAYS - 1)], unusual: [] });
    // when: the next day's prices come in another unit
    await dropAll(shop, [[`${DAYS}.csv`, dayFile(FIRST + DAYS, 100)]]);
    const bad = await night(shop, formatDay(FIRST + DAYS + 1));
    // then: it is finished, and the good one stays in place
    const reasons = [
      expect.stringMatching(/^purchase on 2025-03-10: money of a line, in the middle, \d+, where/),
    ];
    expect((await shown()).runId).toBe(good.runId);
    expect(await isFinished(store, bad.runId, bad.manifest)).toBe(true);
    expect((await bucketState(store, config)).held).toEqual([
      { asOf: '2025-03-11', runId: bad.runId, reasons },
    ]);
    await expect(checkShown(store, bad)).rejects.toThrow(
      /held back, and the one before it stays in place: purchase/,
    );
    // and: the day is still unlike the others a night later
    await dropAll(shop, [[`${DAYS + 1}.csv`, dayFile(FIRST + DAYS + 1)]]);
    const next = await night(shop, formatDay(FIRST + DAYS + 2));
    expect((await bucketState(store, config)).held.map(({ runId }) => runId)).toEqual([
      bad.runId,
      next.runId,
    ]);
    // when
    await releaseExport(store, '2025-03-12', next.runId, 'prices are in yen now');
    // then
    expect((await shown()).runId).toBe(next.runId);
    await checkShown(store, next);
    await expect(releaseExport(store, '2025-03-12', next.runId, 'again')).rejects.toThrow(/is not held back/);
  },
  SLOW,
);
