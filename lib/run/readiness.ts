import { prefixOf } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { DAY_MS, formatDay, parseDay } from '../data/index.ts';
import { compareKeys } from '../runtime/index.ts';
import type { KnownDrop } from './inputs.ts';
import { type Missing, missingDrops } from './manifest.ts';
import { STALE_MS } from './resend.ts';

/** What the drops say, whatever the day. */
export interface Told {
  readonly pending: number;
  readonly missing: readonly Missing[];
  /** Objects whose message must be lost: drops for clean, clean rows for features. Those of the latest days come first. */
  readonly stale: string[];
  /** Nothing was ever dropped. */
  readonly empty: boolean;
  /** The last shop day of each source that has any. */
  readonly lastDays: ReadonlyMap<string, number>;
  /** The first day of the events of the drop that begins first. */
  readonly firstDay: number | undefined;
  /** A drop of labels is through. */
  readonly labels: boolean;
}

/** What the drops say about a night. */
export interface Readiness extends Pick<Told, 'pending' | 'stale' | 'empty'> {
  /** All that a run would go without by now, `unmet` included. */
  readonly missing: Missing[];
  /** Sources whose last days have not arrived. */
  readonly unmet: Missing[];
  /** There is something to learn from and somebody to score. */
  readonly enough: boolean;
}

/**
 * @param now the time by which a pending drop is stale
 * @param lastDays the last shop day that a drop tells of, by its key, as far as that is known; else it tells of the day on
 * which it came
 */
export function toldBy(
  drops: readonly KnownDrop[],
  now: Date,
  lastDays: ReadonlyMap<string, number> = new Map(),
): Told {
  const dayOf = (drop: KnownDrop) => lastDays.get(drop.key) ?? dayDropped(drop);
  const pending = drops.filter((drop) => drop.state === 'pending');
  const reached = new Map<string, number>();
  let firstDay: number | undefined;
  let labels = false;
  for (const drop of drops) {
    if (drop.state !== 'done') continue;
    const { source, table, minDay, maxDay } = drop.quality;
    if (maxDay !== null) reached.set(source!, Math.max(reached.get(source!) ?? maxDay, maxDay));
    if (table === 'events' && minDay !== null) firstDay = Math.min(firstDay ?? minDay, minDay);
    labels ||= table === 'labels';
  }
  return {
    pending: pending.length,
    missing: missingDrops(drops),
    stale: pending
      .filter((drop) => isStale(drop, now))
      .sort((a, b) => dayOf(b) - dayOf(a) || compareKeys(a.key, b.key))
      .map((drop) => drop.clean ?? drop.key),
    empty: drops.length === 0,
    lastDays: reached,
    firstDay,
    labels,
  };
}

export const isStale = ({ droppedAt }: Pick<KnownDrop, 'droppedAt'>, now: Date): boolean =>
  now.getTime() - droppedAt.getTime() >= STALE_MS;

export const dayDropped = ({ droppedAt }: Pick<KnownDrop, 'droppedAt'>): number =>
  Math.floor(droppedAt.getTime() / DAY_MS);

/** @param asOf the day of the night: features use days before it */
export function readiness(config: Config, told: Told, asOf: string): Readiness {
  const { pending, missing, stale, empty, firstDay, labels } = told;
  const unmet = unmetExpectations(config, told, asOf);
  // Labels, or events from before the last day: a model needs a day to look at and one to predict.
  const enough = labels || (firstDay !== undefined && firstDay < parseDay(asOf) - 1);
  return { pending, missing: [...missing, ...unmet], unmet, stale, empty, enough };
}

/** The expected sources without a drop whose days reach the last one before the as-of day. */
function unmetExpectations(config: Config, { lastDays }: Told, asOf: string): Missing[] {
  const due = parseDay(asOf) - 1;
  return config.nightly.expect.flatMap((name): Missing[] => {
    const last = lastDays.get(name);
    if (last !== undefined && last >= due) return [];
    const reached = last === undefined ? 'it has none yet' : `its last day is ${formatDay(last)}`;
    const why = `source ${name} is expected to reach ${formatDay(due)}: ${reached}`;
    return [{ kind: 'expected', key: prefixOf(name, config.sources[name]!), why }];
  });
}
