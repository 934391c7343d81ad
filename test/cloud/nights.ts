import type { Config } from '../../lib/config/index.ts';
import { listDrops, type TickResult } from '../../lib/run/index.ts';
import type { ObjectInfo, ObjectStore } from '../../lib/runtime/index.ts';
import type { Drops } from './retail.ts';
import type { World } from './world.ts';

/** Ticks come every five minutes. */
const TICK_MS = 300_000;
/** From the first tick until the deadline, and an hour for what is still under way then. */
const MOST_TICKS = 48;

/** 02:00 in London: the first tick of the night. */
function firstTick(asOf: string): Date {
  const utc = new Date(`${asOf}T02:00:00Z`);
  const zone = { timeZone: 'Europe/London', hour: 'numeric', hourCycle: 'h23' } as const;
  const ahead = Number(new Intl.DateTimeFormat('en-GB', zone).format(utc)) - 2;
  return new Date(utc.getTime() - ahead * 3_600_000);
}

/** The n-th tick of a night, from 0. */
export const tickTime = (asOf: string, n: number): Date => new Date(firstTick(asOf).getTime() + n * TICK_MS);

export async function drop(world: World, drops: Drops): Promise<void> {
  for (const [name, bytes] of drops) await world.store.put(`drop/transactions/${name}`, bytes);
}

export interface NightOptions {
  /** The number of the first tick. */
  readonly from?: number;
  /** Does a tick's work: default, one call of dispatch. */
  readonly tick?: (time: Date) => Promise<TickResult | undefined>;
  /** Ticks that may be killed or fail. Default none. */
  readonly patience?: number;
}

/**
 * Lets ticks come until the night is over, jobs running between them as fast as they do.
 * @throws Error with everything that was said when the night fails or does not end
 */
export async function runNight(world: World, asOf: string, options: NightOptions = {}): Promise<TickResult> {
  const { from = 0, tick = (time) => world.tick(time), patience = 0 } = options;
  const said: (TickResult | undefined)[] = [];
  for (let n = from; n < MOST_TICKS; n++) {
    await world.ingest(tickTime(asOf, n));
    const result = await tick(tickTime(asOf, n));
    said.push(result);
    if (result?.state === 'finished') return result;
    const failed = said.filter((one) => one === undefined).length;
    if (result?.state === 'failed' || failed > patience) break;
    // A call that was killed is made again at once, while what it has submitted runs.
    if (result) await world.batch.idle();
  }
  throw new Error(
    `the night of ${asOf} did not end well: ${JSON.stringify(said.slice(-3))}\n${world.story()}`,
  );
}

/** What stands below a prefix. */
export async function infosOf(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const infos: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) infos.push(info);
  return infos;
}

/** Rows of all drops, as their quality records tell. */
export async function rowsOf(world: World, config: Config) {
  const rows = { drops: 0, refused: 0, pending: 0, rowsIn: 0, clean: 0, duplicates: 0, quarantined: 0 };
  for (const dropped of await listDrops(world.store, config)) {
    rows.drops++;
    if (dropped.state === 'done') {
      const { rowsIn, clean, duplicates, quarantinedRows } = dropped.quality;
      rows.rowsIn += rowsIn;
      rows.clean += clean;
      rows.duplicates += duplicates.dropped;
      rows.quarantined += quarantinedRows;
    } else {
      rows[dropped.state]++;
    }
  }
  return rows;
}
