import { awsFailure, isAway, isExpired, isThrottled } from './failure.ts';

/** Milliseconds: the longest first pause, where AWS has a problem and where it is asked too much, and the longest of all. */
const FIRST_PAUSE_MS = 200;
const FIRST_THROTTLED_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

/** One request and its failures so far, as the SDK hands it on from attempt to attempt. */
interface Token {
  getRetryCount(): number;
  getRetryDelay(): number;
  /** When it first failed; undefined before. */
  readonly since?: number;
}

export interface RetryOptions {
  /** A request is sent again until so long after its first failure, and then once more. 0: never. */
  readonly seconds: number;
  /** Called before the next attempt where AWS says that the credentials have expired. */
  readonly onExpired?: (() => Promise<void>) | undefined;
  /** Milliseconds that never go back. */
  readonly clock?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/**
 * When the SDK sends a request again: while a dependency is away (see isAway), for a time and not for a number of attempts,
 * with exponential back-off and full jitter. (AWS's own strategies count attempts, which are over in seconds, and share a
 * budget between requests, which an outage empties at once.)
 */
export function patientRetries({
  seconds,
  onExpired,
  clock = () => performance.now(),
  random = Math.random,
}: RetryOptions) {
  return {
    async acquireInitialRetryToken(): Promise<Token> {
      return token(0, 0);
    },
    async refreshRetryTokenForRetry(
      last: Token,
      { error }: { readonly error?: unknown; readonly errorType?: unknown },
    ): Promise<Token> {
      const now = clock();
      const since = ('since' in last ? last.since : undefined) ?? now;
      const left = since + seconds * 1000 - now;
      if (!isAway(error) || isConflict(error) || left <= 0) throw new Error('not sent again');
      if (isExpired(error)) await onExpired?.().catch(() => {});
      const count = last.getRetryCount() + 1;
      return token(count, Math.min(left, pauseMs(count, isThrottled(error), random)), since);
    },
    recordSuccess() {},
  };
}

/** Another writer was at the same key: over in milliseconds, and whoever writes knows what to do (see upload). */
const isConflict = (error: unknown): boolean => awsFailure(error).status === 409;

/** Full jitter: callers that failed at the same moment do not come back at the same moment. */
function pauseMs(count: number, throttled: boolean, random: () => number): number {
  const first = throttled ? FIRST_THROTTLED_PAUSE_MS : FIRST_PAUSE_MS;
  return random() * Math.min(LONGEST_PAUSE_MS, first * 2 ** (count - 1));
}

const token = (count: number, delay: number, since?: number): Token => ({
  getRetryCount: () => count,
  getRetryDelay: () => delay,
  ...(since === undefined ? {} : { since }),
});
