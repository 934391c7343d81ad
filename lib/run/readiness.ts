import { prefixOf } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { DAY_MS, formatDay, parseDay } from '../data/index.ts';
import { compareKeys } from '../runtime/index.ts';
import type { DropState } from './inputs.ts';
import { type Missing, missingDrops } from './manifest.ts';
import { STALE_MS } from './resend.ts';

/** What the drops say about a night. */
export interface Readiness {
  readonly pending: number;
  /** All that a run would go without by now, `unmet` included. */
  readonly missing: Missing[];
  /** Sources whose last days have not arrived. */
  readonly unmet: Missing[];
  /** Objects whose message must be lost: drops for clean, clean rows for features. Those of the latest days come first. */
  readonly stale: string[];
  /** Nothing was ever dropped. */
  readonly empty: boolean;
  /** There is something to learn from and somebody to score. */
  readonly enough: boolean;
}

/**
 * @param asOf the day of the night: features use days before it
 * @param now the time by which a pending drop is stale
 * @param lastDays the last shop day that a drop tells of, by its key, as far as that is known; else it tells of the day on
 * which it came
 */
export function readiness(
  config: Config,
  drops: readonly DropState[],
  asOf: string,
  now: Date,
  lastDays: ReadonlyMap<string, number> = new Map(),
): Readiness {
  const dayOf = ({ key, droppedAt }: DropState) =>
    lastDays.get(key) ?? Math.floor(droppedAt.getTime() / DAY_MS);
  const unmet = unmetExpectations(config, drops, asOf);
  const pending = drops.filter((drop) => drop.state === 'pending');
  return {
    pending: pending.length,
    missing: [...missingDrops(drops), ...unmet],
    unmet,
    stale: pending
      .filter(({ droppedAt }) => now.getTime() - droppedAt.getTime() >= STALE_MS)
      .sort((a, b) => dayOf(b) - dayOf(a) || compareKeys(a.key, b.key))
      .map((drop) => drop.clean ?? drop.key),
    empty: drops.length === 0,
    enough: drops.some((drop) => drop.state === 'done' && teaches(drop, asOf)),
  };
}

/** A drop of labels, or of events from before the last day: a model needs a day to look at and one to predict. */
function teaches({ quality }: DropState & { state: 'done' }, asOf: string): boolean {
  if (quality.table === 'labels') return true;
  return quality.table === 'events' && quality.minDay !== null && quality.minDay < parseDay(asOf) - 1;
}

/** The expected sources without a drop whose days reach the last one before the as-of day. */
function unmetExpectations(config: Config, drops: readonly DropState[], asOf: string): Missing[] {
  const due = parseDay(asOf) - 1;
  return config.nightly.expect.flatMap((name): Missing[] => {
    const days = drops.flatMap((drop) =>
      drop.state === 'done' && drop.quality.source === name && drop.quality.maxDay !== null
        ? drop.quality.maxDay
        : [],
    );
    const last = days.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    if (last >= due) return [];
    const reached =
      last === Number.NEGATIVE_INFINITY ? 'it has none yet' : `its last day is ${formatDay(last)}`;
    const why = `source ${name} is expected to reach ${formatDay(due)}: ${reached}`;
    return [{ kind: 'expected', key: prefixOf(name, config.sources[name]!), why }];
  });
}
