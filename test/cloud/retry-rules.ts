/** One rule of a job definition's retry strategy, as AWS Batch writes it. */
export interface EvaluateOnExit {
  readonly action: string;
  readonly onStatusReason?: string;
  readonly onReason?: string;
  readonly onExitCode?: string;
}

export interface RetryStrategy {
  readonly attempts: number;
  readonly evaluateOnExit: readonly EvaluateOnExit[];
}

/** How an attempt ended, in the words of AWS Batch. */
export interface AttemptEnd {
  /** Absent when the host went away. */
  readonly exitCode?: number;
  /** Of the container. */
  readonly reason?: string;
  readonly statusReason: string;
}

/**
 * Is a failed attempt started again? The first rule whose conditions all hold decides; where none does, Batch retries
 * (user guide, "Automated job retries").
 */
export function isRetried(strategy: RetryStrategy, attempt: number, end: AttemptEnd): boolean {
  if (attempt >= strategy.attempts) return false;
  const rule = strategy.evaluateOnExit.find(
    ({ onStatusReason, onReason, onExitCode }) =>
      holds(onStatusReason, end.statusReason) &&
      holds(onReason, end.reason ?? '') &&
      holds(onExitCode, end.exitCode === undefined ? '' : String(end.exitCode)),
  );
  return rule === undefined || rule.action.toUpperCase() === 'RETRY';
}

/** A pattern may end with an asterisk, and only there. */
function holds(pattern: string | undefined, text: string): boolean {
  if (pattern === undefined) return true;
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
