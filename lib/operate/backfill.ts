import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import {
  advanceRun,
  claimKey,
  patienceWith,
  type RunProgress,
  readClaim,
  readRunHead,
  type TickResult,
} from '../run/index.ts';
import { OperateError } from './errors.ts';
import type { Stack } from './stack.ts';

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
  let result: TickResult | null;
  try {
    result = JSON.parse(text);
  } catch (cause) {
    throw new OperateError(`${name} answered ${text.slice(0, 200)}, which is not JSON`, { cause });
  }
  if (typeof result?.state === 'string') return result;
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

/** How far a run is by now. It does what a tick does, so that nothing waits for the next night. */
export type Look = (asOf: string, runId: string) => Promise<RunProgress>;

/** Looks at a run in the bucket and submits what has to be submitted again, as dispatch would. */
export function stackLook(stack: Pick<Stack, 'store' | 'jobs'>, children: number): Look {
  const { store, jobs } = stack;
  return async (asOf, runId) => {
    const manifest = await readRunHead(store, runId);
    const { claim } = (await readClaim(store, claimKey('backfill', asOf))) ?? {};
    const now = new Date();
    const patience = claim?.runId === runId ? patienceWith(manifest, claim, now) : {};
    return advanceRun({
      store,
      batch: jobs,
      runId,
      manifest,
      children,
      now,
      ...patience,
      mustBeCurrent: true,
    });
  };
}

/** What somebody who waits is told. */
export type BackfillProgress = Pick<RunProgress, 'state' | 'stages'> & { readonly asOf: string };

/**
 * Runs past days one after the other, for each folds on from the one before. Dispatch is asked once for each day, for asked
 * again it would start a failed run anew; then the run is looked at until it is over. Nothing is lost when this stops anywhere: what was
 * submitted goes on, the ticks of the next night finish it, and the same call takes it up.
 * @param pause between two looks
 * @param stopped true from when nobody wants to wait any longer; days that were not asked for are not started
 * @returns the days that were asked for; the first that is not finished is the last
 */
export async function backfillDays(args: {
  dispatch: Dispatch;
  look: Look;
  days: readonly string[];
  pause: () => Promise<void>;
  stopped: () => boolean;
  onProgress: (progress: BackfillProgress) => void;
}): Promise<BackfillDay[]> {
  const done: BackfillDay[] = [];
  for (const asOf of args.days) {
    if (args.stopped()) break;
    const day = await backfillDay(args, asOf);
    done.push(day);
    if (day.state !== 'finished') break;
  }
  return done;
}

async function backfillDay(
  { dispatch, look, pause, stopped, onProgress }: Parameters<typeof backfillDays>[0],
  asOf: string,
): Promise<BackfillDay> {
  const { runId, state, stages, reason } = await dispatch(asOf);
  const over = state === 'finished' || state === 'failed';
  if (runId === undefined) {
    return { asOf, state: 'failed', reason: reason ?? `dispatch is ${state} and names no run` };
  }
  let progress: Omit<RunProgress, 'jobs'> = {
    state: over ? state : 'running',
    stages,
    ...(over && reason ? { reason } : {}),
  };
  for (;;) {
    onProgress({ asOf, ...progress });
    if (progress.state !== 'running') break;
    if (!stopped()) await pause();
    if (stopped()) return { asOf, runId, state: 'unfinished' };
    progress = await look(asOf, runId);
  }
  return { asOf, runId, state: progress.state, ...(progress.reason ? { reason: progress.reason } : {}) };
}
