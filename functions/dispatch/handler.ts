import { z } from 'zod';
import { ConfigError } from '../../lib/data/index.ts';
import { type TickArgs, type TickResult, tick } from '../../lib/run/index.ts';

/** When the scheduler meant the call to be: the tick's clock, however late it comes. */
const time = z.iso.datetime({ offset: true }).optional();

const eventSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['tick', 'finetune', 'watchdog', 'heartbeat']), time }),
  z.strictObject({ kind: z.literal('backfill'), asOf: z.iso.date(), time }),
]);

export interface DispatchDeps extends Omit<TickArgs, 'kind' | 'now' | 'asOf'> {
  /** For events that carry no time: those that a person sends. */
  readonly clock: () => Date;
}

/**
 * The function behind the schedules and the backfill command: one look at the store and one step of what is due.
 * @throws ConfigError for an event of another form
 */
export function makeHandler({ clock, ...deps }: DispatchDeps): (event: unknown) => Promise<TickResult> {
  return async (event) => {
    const { success, data, error } = eventSchema.safeParse(event);
    if (!success) {
      throw new ConfigError(
        `dispatch was called with ${JSON.stringify(event)}: expected { "kind": "tick" | "finetune" | "watchdog" } ` +
          `or { "kind": "backfill", "asOf": "YYYY-MM-DD" }, with or without a "time"`,
        { cause: error },
      );
    }
    const now = data.time === undefined ? clock() : new Date(data.time);
    return tick({
      ...deps,
      kind: data.kind,
      now,
      ...(data.kind === 'backfill' ? { asOf: data.asOf } : {}),
    });
  };
}
