import { formatDay, NightjarError, shopClock } from '../../lib/data/index.ts';
import { type TickResult, traceOfRun } from '../../lib/run/index.ts';
import type { Traces } from '../../lib/runtime/aws/index.ts';
import { nightTrace, type ObjectStore, type ShopNights, sentenceOf } from '../../lib/runtime/index.ts';

export interface CallTracing {
  readonly traces: Traces;
  readonly store: ObjectStore;
  readonly config: ShopNights;
  /** Lines of the log from here on bear the trace's id. */
  readonly logger: {
    appendKeys(keys: { readonly trace_id: string }): void;
    error(message: string, line: { readonly error: string }): void;
  };
}

/** What the watchdog finds. */
class ExportMissing extends NightjarError {
  override name = 'ExportMissing';
}

/**
 * Calls of dispatch in the trace of their night, or of the run that they brought forward. Of hundreds a day those become
 * segments that start a run, fail, or find the export missing: a trace has room for so many.
 */
export function traced<E>(
  handle: (event: E) => Promise<TickResult>,
  { traces, store, config, logger }: CallTracing,
): (event: E) => Promise<TickResult> {
  const { environment } = traces;
  const nightAt = (day: string) => ({
    traceId: nightTrace(environment, config, day),
    annotations: { as_of: day },
  });
  return async (event) => {
    const began = new Date();
    const today = formatDay(shopClock(config.shop.timeZone)(began.getTime()).day);
    logger.appendKeys({ trace_id: nightAt(today).traceId });
    const result = await handle(event).catch(async (error: unknown) => {
      logger.error('call failed', { error: sentenceOf(error) });
      await traces.tell({ ...nightAt(today), stage: 'dispatch' }, began, error);
      throw error;
    });
    const { asOf, runId, kind, state, exportMissing } = result;
    // Whether the store is away by now is not the call's concern: it has done its work.
    const run = runId && (await traceOfRun(store, environment, runId).catch(() => undefined));
    const { traceId, annotations } = run || nightAt(asOf);
    logger.appendKeys({ trace_id: traceId });
    if (state !== 'started' && exportMissing === undefined) return result;
    await traces.tell(
      {
        traceId,
        stage: 'dispatch',
        ...(run && state === 'started' ? { id: run.segment } : {}),
        annotations: { ...annotations, kind, state },
      },
      began,
      exportMissing === undefined ? undefined : new ExportMissing(exportMissing),
    );
    return result;
  };
}
