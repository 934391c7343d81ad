import type { Annotations, Traces } from '../lib/runtime/aws/index.ts';
import { nightOf, nightTrace, type QueueRecord, type ShopNights } from '../lib/runtime/index.ts';

/** Does the work on one object that a message names, and answers with what came of it. */
export type Around<T> = <R extends T>(
  message: QueueRecord,
  key: string,
  work: () => Promise<R>,
) => Promise<R>;

/** The work alone. */
export const untraced = <R>(_: QueueRecord, __: string, work: () => Promise<R>): Promise<R> => work();

export interface DropTracing<T> {
  readonly traces: Traces;
  readonly stage: 'clean' | 'features';
  readonly config: ShopNights;
  /** The id of the drop behind the object: its key may tell about a person. */
  readonly dropOf: (key: string) => string;
  /** What came of it. */
  readonly told: (result: T) => { readonly annotations: Annotations; readonly refused?: boolean };
  /** Lines of the log from here on bear the trace's id. */
  readonly logger: { appendKeys(keys: { readonly trace_id: string }): void };
}

/**
 * Each object as a segment in the trace of the night that it is for, by the time at which its message was sent: all
 * deliveries of a message land in the same trace.
 */
export function tracing<T>({ traces, stage, config, dropOf, told, logger }: DropTracing<T>): Around<T> {
  return async ({ attributes }, key, work) => {
    const { SentTimestamp: sent, ApproximateReceiveCount: delivery } = attributes;
    const day = nightOf(config, sent === undefined ? new Date() : new Date(Number(sent)));
    const traceId = nightTrace(traces.environment, config, day);
    logger.appendKeys({ trace_id: traceId });
    const annotations = { as_of: day, drop: dropOf(key), delivery: Number(delivery) };
    return traces.during({ traceId, stage, annotations }, async (note) => {
      const result = await work();
      const { annotations: more, refused } = told(result);
      note(more, refused);
      return result;
    });
  };
}
