import { formatDay, shopClock } from '../data/index.ts';
import { nightTrace, type ObjectStore, runSegment, runTrace } from '../runtime/index.ts';
import { manifestKey } from './keys.ts';
import { readRunHead } from './stored-manifest.ts';

/** Where the segments of a run belong. */
interface RunTrace {
  readonly traceId: string;
  /** Of the call that started the run. */
  readonly segment: string;
  readonly annotations: { readonly as_of: string; readonly run: string; readonly purpose: string };
}

/**
 * The trace of a run: that of its night. A past day has one of its own, since X-Ray takes nothing for a trace that is a
 * week old. A run of labelled tables alone names no day: it belongs to the day on which it was planned.
 * @throws as readRunHead
 */
export async function traceOfRun(store: ObjectStore, environment: string, runId: string): Promise<RunTrace> {
  const { purpose, asOf, config } = await readRunHead(store, runId);
  const day =
    asOf ?? formatDay(shopClock(config.shop.timeZone)((await plannedAt(store, runId)).getTime()).day);
  const traceId =
    purpose === 'backfill'
      ? runTrace(environment, runId, await plannedAt(store, runId))
      : nightTrace(environment, config, day);
  return { traceId, segment: runSegment(runId), annotations: { as_of: day, run: runId, purpose } };
}

/** When the manifest was written. */
async function plannedAt(store: ObjectStore, runId: string): Promise<Date> {
  return (await store.head(manifestKey(runId)))?.lastModified ?? new Date();
}
