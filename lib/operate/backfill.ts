import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { TickResult } from '../run/index.ts';
import { OperateError } from './errors.ts';

/** Asks the dispatch function for a past day, once. */
export type Dispatch = (asOf: string) => Promise<TickResult>;

/** The deployed dispatch function, asked by its name. */
export function invokedDispatch(client: LambdaClient, name: string): Dispatch {
  return async (asOf) => {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({
        FunctionName: name,
        Payload: new TextEncoder().encode(JSON.stringify({ kind: 'backfill', asOf })),
      }),
    );
    const text = new TextDecoder().decode(Payload);
    if (FunctionError === undefined) return parsed(text, name);
    throw new OperateError(
      `the dispatch function failed for ${asOf}: ${messageOf(text)}; its log tells more, and the same command goes on`,
    );
  };
}

function parsed(text: string, name: string): TickResult {
  try {
    const result: TickResult = JSON.parse(text);
    if (typeof result.state === 'string') return result;
  } catch (cause) {
    throw new OperateError(`${name} answered ${JSON.stringify(text.slice(0, 200))}, which is not JSON`, {
      cause,
    });
  }
  throw new OperateError(
    `${name} answered ${text.slice(0, 200)}, which is no answer of dispatch: deploy this version of Nightjar`,
  );
}

/** Lambda answers `{ errorMessage, … }` where the function threw. */
function messageOf(text: string): string {
  try {
    const { errorMessage } = JSON.parse(text);
    return typeof errorMessage === 'string' ? errorMessage : text.slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}

/** How a day's run ended, or that nobody waited for its end. */
export interface BackfillDay {
  readonly asOf: string;
  readonly state: 'finished' | 'failed' | 'unfinished';
  readonly runId?: string;
  readonly reason?: string;
}

/**
 * Runs past days one after the other, for each folds on from the one before. Asking again is the way to wait: dispatch
 * does nothing twice and takes up what it finds. Nothing is lost when this stops anywhere: what was submitted goes on, and the
 * same call skips the days that are finished.
 * @param pause between two questions about a day
 * @param stopped true from when nobody wants to wait any longer; days that were not asked for are not started
 * @returns the days that were asked for; the first failed one is the last
 */
export async function backfillDays(args: {
  dispatch: Dispatch;
  days: readonly string[];
  pause: () => Promise<void>;
  stopped: () => boolean;
  onProgress: (result: TickResult) => void;
}): Promise<BackfillDay[]> {
  const { dispatch, days, pause, stopped, onProgress } = args;
  const done: BackfillDay[] = [];
  for (const asOf of days) {
    if (stopped()) break;
    const day = await backfillDay({ dispatch, asOf, pause, stopped, onProgress });
    done.push(day);
    if (day.state !== 'finished') break;
  }
  return done;
}

async function backfillDay(args: {
  dispatch: Dispatch;
  asOf: string;
  pause: () => Promise<void>;
  stopped: () => boolean;
  onProgress: (result: TickResult) => void;
}): Promise<BackfillDay> {
  const { dispatch, asOf, pause, stopped, onProgress } = args;
  for (;;) {
    const result = await dispatch(asOf);
    onProgress(result);
    const { state, runId, reason } = result;
    const told = { asOf, ...(runId ? { runId } : {}), ...(reason ? { reason } : {}) };
    if (state === 'finished') return { ...told, state };
    // Idle: nothing will come of this day, such as one before the first drop.
    if (state === 'failed' || state === 'idle') return { ...told, state: 'failed' };
    if (stopped()) return { ...told, state: 'unfinished' };
    await pause();
    if (stopped()) return { ...told, state: 'unfinished' };
  }
}
