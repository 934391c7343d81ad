import { cleanDrop, type Quality } from '../../lib/clean/index.ts';
import { type Config, type ConfigInput, parseConfig } from '../../lib/config/index.ts';
import { createRng, type Rng } from '../../lib/engine/host/index.ts';
import { buildDays } from '../../lib/features/index.ts';
import { type DropState, listDrops } from '../../lib/run/index.ts';
import { type ObjectStore, openFolderStore } from '../../lib/runtime/index.ts';
import { pseudonyms } from '../clean/stored.ts';
import { temporaryFolder } from '../runtime/temp.ts';

/** A shop with a log of events and a file of treatments, cleaned and with its day rows. */
export interface Shop {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly drops: readonly DropState[];
  readonly qualities: readonly Quality[];
}

export const EVENTS = 'user,time,type,amount';
export const TREATMENTS = 'user,campaign,arm,time';

export const liftConfig = (timeZone = 'UTC', changes: Partial<ConfigInput> = {}): ConfigInput => ({
  shop: { timeZone, currency: 'EUR' },
  sources: {
    log: {
      format: 'csv',
      table: 'events',
      columns: { user: 'user', time: 'time', type: 'type', amount: 'amount' },
      duplicates: 'keep',
    },
    campaigns: {
      format: 'csv',
      table: 'treatments',
      columns: { user: 'user', campaign: 'campaign', arm: 'arm', time: 'time' },
    },
  },
  tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 14 } },
  shards: 2,
  ...changes,
});

/** @param files contents by key below `drop/`, such as `log/all.csv` */
export async function shopOf(
  files: Readonly<Record<string, string>>,
  given: ConfigInput = liftConfig(),
): Promise<Shop> {
  const store = await openFolderStore(await temporaryFolder(), { durable: false });
  const config = parseConfig(given);
  const qualities: Quality[] = [];
  for (const [name, content] of Object.entries(files)) {
    const key = `drop/${name}`;
    await store.put(key, content);
    const result = await cleanDrop({ store, config, pseudonyms, key, engine: { threads: 1 } });
    if (!('quality' in result)) throw new Error(`${key} is ${result.status}`);
    qualities.push(result.quality);
    const { clean } = result.keys;
    if (clean?.startsWith('clean/events/') && (await store.head(clean))) {
      await buildDays({ store, config, cleanKey: clean });
    }
  }
  return { store, config, qualities, drops: await listDrops(store, config) };
}

export const csv = (head: string, lines: readonly string[]): string => `${[head, ...lines].join('\n')}\n`;

const DAY = 86_400_000;
const FIRST = Date.UTC(2025, 0, 1);
/** Treatments of the made-up campaign. */
export const START = Date.UTC(2025, 2, 1);
const LAST = Date.UTC(2025, 2, 31);

export const iso = (ms: number): string => new Date(ms).toISOString();

/** A made-up campaign whose effect is known. */
export interface MadeUp {
  readonly events: string[];
  readonly treatments: string[];
  /** What the treatment really changed: mean over the treated of what they did with it and without it. */
  readonly truth: { readonly conversion: number; readonly money: number };
}

/**
 * Users who buy each at a pace and a price of their own; a treatment, given by a coin, adds a purchase of 20 within the
 * window with one chance in eight.
 * @param armOf the arm of a user, 'control' or another; undefined: the user takes no part
 */
export function madeUp(
  users: number,
  armOf: (user: string, rng: Rng) => string | undefined = (_, rng) =>
    rng.uniform() < 0.5 ? 'control' : 'mail',
): MadeUp {
  const events: string[] = [];
  const treatments: string[] = [];
  let [treated, converted, money] = [0, 0, 0];
  for (let u = 0; u < users; u++) {
    const user = `user-${u}`;
    const rng = createRng(user);
    const every = 5 + 60 * rng.uniform();
    const price = 5 + 40 * rng.uniform();
    const arm = armOf(user, createRng(`arm of ${user}`));
    const at = START + 3_600_000 * rng.integer(48);
    let own = 0;
    for (
      let time = FIRST + DAY * every * rng.uniform();
      time < LAST;
      time += DAY * every * 2 * rng.uniform()
    ) {
      events.push(`${user},${iso(time)},purchase,${(price * (0.5 + rng.uniform())).toFixed(2)}`);
      if (time >= at && time < at + 14 * DAY) own += 1;
    }
    if (arm === undefined) continue;
    treatments.push(`${user},spring,${arm},${iso(at)}`);
    const added = rng.uniform() < 0.125;
    const when = at + 14 * DAY * rng.uniform();
    if (arm === 'control') continue;
    treated += 1;
    if (!added) continue;
    events.push(`${user},${iso(when)},purchase,20.00`);
    money += 20;
    if (own === 0) converted += 1;
  }
  // The shop goes on after the last window.
  for (let day = FIRST; day <= LAST; day += DAY) events.push(`passer-by,${iso(day + 80_000_000)},view,`);
  return { events, treatments, truth: { conversion: converted / treated, money: money / treated } };
}
