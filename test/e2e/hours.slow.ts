import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { formatDay, parseDay } from '../../lib/data/index.ts';
import { dropAll, type Night, night, openShop, SLOW } from './nights.ts';
import { AS_OF, daily, file, hourly, type Line, shopConfig, shopLog } from './shop.ts';

const log = shopLog();
/** As-of days one after the other; clocks went forward on the third last day before the first. */
const NIGHTS = [0, 1, 2].map((i) => formatDay(parseDay(AS_OF) + i));
const HOURLY_FROM = formatDay(parseDay(AS_OF) - 5);
/** Shop midnight in March 2025 after the change of clocks: four o'clock UTC. */
const midnight = (day: string) => Date.parse(`${day}T04:00:00Z`);

let shop: Workspace;
let nights: Night[];

const dropLines = (lines: readonly Line[], split: (lines: readonly Line[]) => Map<string, string>) =>
  dropAll(shop, split(lines));

beforeAll(async () => {
  // given: old days in daily files, the last ones in hourly ones, which know nothing of the shop's days. Each night sees
  // the hours that ended before it, and one hour beyond its as-of time.
  shop = await openShop(shopConfig());
  await dropLines(
    log.filter(({ day }) => day < HOURLY_FROM),
    daily,
  );
  nights = [];
  let from = 0;
  for (const asOf of NIGHTS) {
    const until = midnight(asOf) + 3_600_000;
    const arrived = log.filter(({ time, day }) => day >= HOURLY_FROM && time >= from && time < until);
    await dropLines(arrived, hourly);
    from = until;
    nights.push(await night(shop, asOf));
  }
}, SLOW);

/** The third night from one drop of everything in an empty store, scored by the same models. */
async function atOnce(lines: readonly Line[]): Promise<Night> {
  const fresh = await openShop(shopConfig());
  for await (const { key } of shop.store.list('models/')) {
    await fresh.store.put(key, await (await shop.store.get(key)).bytes());
  }
  await dropAll(fresh, [['everything.csv', file(lines)]]);
  return night(fresh, NIGHTS[2]!);
}

describe('hourly drops in UTC of a shop in another zone, over three nights', { timeout: SLOW }, () => {
  it('give what one drop of everything gives', async () => {
    // when
    const whole = await atOnce(log);
    // then
    const third = nights[2]!;
    expect(third.manifest.inputs.events.length).toBeGreaterThan(80);
    expect(whole.manifest.inputs.events).toHaveLength(1);
    expect(third.models).toEqual(whole.models);
    expect(third.scores).toEqual(whole.scores);
    expect(third.snapshots).toEqual(whole.snapshots);
    expect(third.exports).toEqual(whole.exports);
  });

  it('fold on from the night before, and train once', () => {
    expect(nights.map(({ manifest }) => manifest.snapshot?.runId ?? null)).toEqual([
      null,
      nights[0]!.runId,
      nights[1]!.runId,
    ]);
    expect(nights[1]!.models).toEqual(nights[0]!.models);
    expect(nights[2]!.models).toEqual(nights[0]!.models);
    expect(Object.values(nights[1]!.manifest.champions)).not.toContain(null);
    expect(nights[1]!.scores).not.toEqual(nights[0]!.scores);
  });

  it('give the same when an hour comes days late, and when a file is corrected', async () => {
    // given: before the third night runs again, lines turn up for a day that its snapshot holds already, and an hour
    // is dropped again with one line less
    const late: Line[] = log
      .filter(({ day }) => day === '2025-02-20')
      .map((line) => ({ ...line, text: line.text.replace(/^"C-\d+"/, '"C-late"') }));
    const [name, content] = [...hourly(log.filter(({ day }) => day === HOURLY_FROM))][2]!;
    const withdrawn = content.trimEnd().split('\n').at(-1)!;
    await dropAll(shop, [
      ['late.csv', file(late)],
      [name, content.slice(0, content.lastIndexOf(withdrawn))],
    ]);
    // when
    const again = await night(shop, NIGHTS[2]!);
    const index = log.findIndex(({ text }) => text === withdrawn);
    const whole = await atOnce([...log.filter((_, i) => i !== index), ...late]);
    // then
    expect(again.manifest.snapshot).toBeNull();
    expect(again.runId).not.toBe(nights[2]!.runId);
    expect(again.scores.flatMap(({ users }) => users)).toHaveLength(
      nights[2]!.scores.flatMap(({ users }) => users).length + 1,
    );
    expect(again.scores).toEqual(whole.scores);
    expect(again.exports).toEqual(whole.exports);
  });
});
