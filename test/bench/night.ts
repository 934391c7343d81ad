import type { Config } from '../../lib/config/index.ts';
import { formatDay } from '../../lib/data/index.ts';
import type { DayInput } from '../../lib/features/index.ts';
import { type RunManifest, taskGroups } from '../../lib/run/index.ts';

/** The manifest of a night over generated day files, folded from scratch. */
export function nightOf(
  config: Config,
  inputs: readonly DayInput[],
  day: number,
  champions: RunManifest['champions'],
): RunManifest {
  return {
    format: 1,
    purpose: 'night',
    asOf: formatDay(day),
    groups: taskGroups(config),
    config,
    shards: config.shards,
    inputs: {
      events: inputs.map(({ key, ...input }) => ({
        ...input,
        drop: `drop/events/${input.dropId}.csv`,
        source: 'events',
        clean: `clean/events/${input.dropId}/r1.arrow`,
        days: key,
      })),
      items: [],
      users: [],
      labels: [],
    },
    missing: [],
    copies: [],
    champions,
    snapshot: null,
  };
}
