import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import type { ConfigInput } from '../../lib/config/index.ts';
import { formatDay, parseDay } from '../../lib/data/index.ts';
import { checkAsOf, type LastDays, lastDays } from '../../lib/run/index.ts';
import { openShop, SLOW } from '../e2e/nights.ts';
import { HEADER, shopConfig, ZONE } from '../e2e/shop.ts';

/** Shop days run from midnight to midnight in New York: in January five hours behind UTC. */
const at = (day: string, time: string) => new Date(`${day}T${time}-05:00`);
const line = (when: Date, customer = 1) =>
  `C-${customer},${when.toISOString().slice(0, 19).replace('T', ' ')},purchase,sku-1,1,9.99,b`;

/** A day of a busy shop: events from 08:05 until a little before the hour, none later. */
const day = (name: string, last = 23) =>
  Array.from({ length: last - 8 + 1 }, (_, h) =>
    line(at(name, `${String(8 + h).padStart(2, '0')}:05:00`), h + 1),
  );
const after = (name: string, days: number) => formatDay(parseDay(name) + days);
const FIRST = '2025-01-01';
/** Full days, one file each, every one dropped in the night behind it. */
const full = (from: string, days: number) =>
  Array.from({ length: days }, (_, i) => {
    const name = after(from, i);
    return { name: `${name}.csv`, lines: day(name), dropped: at(after(name, 1), '01:00:00') };
  });

interface Drop {
  readonly name: string;
  readonly lines: readonly string[];
  readonly dropped: Date;
  readonly source?: string;
}

async function look(
  drops: readonly Drop[],
  changes: Partial<ConfigInput> = {},
): Promise<LastDays | undefined> {
  const shop: Workspace = await openShop(shopConfig(changes));
  for (const { name, lines, dropped, source = 'log' } of drops) {
    const key = `drop/${source}/${name}`;
    await shop.store.put(key, `${[HEADER, ...lines].join('\n')}\n`);
    await utimes(join(shop.root, key), dropped, dropped);
  }
  return lastDays(shop.store, shop.config, await shop.ingest(() => {}));
}

const complete = async (drops: readonly Drop[], changes: Partial<ConfigInput> = {}) => {
  const found = await look(drops, changes);
  return found && [formatDay(found.complete), found.why];
};

describe('the last complete day', { timeout: SLOW }, () => {
  it('is the last day of events where a drop came after its end', async () => {
    expect(await complete(full(FIRST, 10))).toEqual(['2025-01-10', 'events end at 2025-01-10 23:05']);
  });

  it('is the day before where the file of the day came at noon, or in its last minute', async () => {
    for (const [time, hour] of [
      ['12:10:00', 12],
      ['23:59:00', 23],
    ] as const) {
      const noon = { name: 'noon.csv', lines: day('2025-01-11', hour), dropped: at('2025-01-11', time) };
      expect(await complete([...full(FIRST, 10), noon])).toEqual([
        '2025-01-10',
        `events go on to 2025-01-11 ${hour}:05, but that day was not over when drop/log/noon.csv was dropped (2025-01-11 ${time.slice(0, 5)})`,
      ]);
    }
  });

  it('goes by the clock of the shop: half past midnight in London is still the day before in New York', async () => {
    const late = {
      name: 'late.csv',
      lines: day('2025-01-11', 19),
      dropped: new Date('2025-01-12T00:30:00Z'),
    };
    expect((await complete([...full(FIRST, 10), late]))?.[0]).toBe('2025-01-10');
    const there = { timeZone: 'Europe/London' };
    expect((await complete([...full(FIRST, 10), late], { shop: there }))?.[0]).toBe('2025-01-11');
  });

  it('is the day before where a file of half a day was dropped later: its events stop hours before those of other days', async () => {
    const half = { name: 'half.csv', lines: day('2025-01-11', 12), dropped: at('2025-03-01', '09:00:00') };
    const [name, why] = (await complete([...full(FIRST, 10), half]))!;
    expect(name).toBe('2025-01-10');
    expect(why).toMatch(
      /^events end at 2025-01-11 12:05, hours before those of any of the 10 days before it/,
    );
  });

  it('is not judged by hours where other days end as early, or where there are too few', async () => {
    const short = (of: string) => ({
      name: `${of}.csv`,
      lines: day(of, 12),
      dropped: at('2025-03-01', '09:00:00'),
    });
    const sunday = full(FIRST, 10).map((drop, i) =>
      i === 4 ? { ...drop, lines: day(after(FIRST, 4), 11) } : drop,
    );
    expect((await complete([...sunday, short('2025-01-11')]))?.[0]).toBe('2025-01-11');
    expect((await complete([...full(FIRST, 5), short('2025-01-06')]))?.[0]).toBe('2025-01-06');
  });

  it('is one of the whole file where all days stand in one', async () => {
    const lines = full(FIRST, 20).flatMap((drop) => drop.lines);
    const one = [{ name: 'all.csv', lines, dropped: at('2026-11-29', '12:00:00') }];
    expect((await complete(one))?.[0]).toBe('2025-01-20');
  });

  it('is not moved by a few events of a wrong date, far ahead or dated tomorrow', async () => {
    const stray = {
      name: 'stray.csv',
      lines: [line(at('2025-12-31', '10:00:00'))],
      dropped: at('2026-01-05', '09:00:00'),
    };
    expect((await complete([...full(FIRST, 40), stray]))?.[0]).toBe('2025-02-09');
    const early = full(FIRST, 10).map((drop, i) =>
      i === 9 ? { ...drop, lines: [...drop.lines, line(at('2025-01-12', '03:00:00'))] } : drop,
    );
    expect((await complete(early))?.[0]).toBe('2025-01-10');
  });

  it('is one that every expected source has reached', async () => {
    const { sources } = shopConfig();
    const config = { sources: { ...sources, shop: { ...sources.log! } } };
    const shop = full(FIRST, 8).map((drop) => ({ ...drop, source: 'shop' }));
    const drops = [...full(FIRST, 10), ...shop];
    expect((await complete(drops, config))?.[0]).toBe('2025-01-10');
    expect((await complete(drops, { ...config, nightly: { expect: ['log', 'shop'] } }))?.[0]).toBe(
      '2025-01-08',
    );
  });

  it('is none without events', async () => {
    expect(ZONE).toBe('America/New_York');
    expect(await look([])).toBeUndefined();
  });
});

describe('an as-of day', { timeout: SLOW }, () => {
  it('may lie behind the events as far as the shop has been quiet before, and no farther', async () => {
    // given: a week in which nothing happened
    const drops = [...full(FIRST, 5), ...full('2025-01-13', 5)];
    const known = (await look(drops))!;
    expect(known.quiet).toBe(7);
    const check = (name: string) => () => checkAsOf(parseDay(name), known);
    // then
    for (const fine of ['2025-01-02', '2025-01-10', '2025-01-18', '2025-01-25'])
      expect(check(fine)).not.toThrow();
    expect(check('2025-01-26')).toThrow(
      '--as-of 2025-01-26 is beyond the data: events end on 2025-01-17, and 8 days are missing before the as-of day. Choose 2025-01-18',
    );
    expect(check('2025-01-01')).toThrow('there are no events before that day, they begin on 2025-01-01');
  });
});
