import { Action, Reason, RetryStrategy } from 'aws-cdk-lib/aws-batch';

/** Starts of one job, the first included. */
export const ATTEMPTS = 4;

/**
 * What happens when an attempt ends badly, in the order in which Batch asks: the first rule that matches decides.
 *
 * | the attempt ended by | | rule |
 * |---|---|---|
 * | spot capacity taken back, host lost | start again | 1 |
 * | image not to be had at the moment | start again | 2 |
 * | out of memory (exit code 137 as well, so it stands before 4) | for good: it would happen again | 3 |
 * | SIGKILL, 137 | start again: what is done is read back | 4 |
 * | any other exit code that begins with 1: our 1, Node's 10 to 14, shells' 126 and 127, signals' 13x | for good | 5 |
 * | SIGTERM answered by a checkpoint, 75 | start again | none |
 * | no exit code at all: the container was never started | start again | none |
 *
 * Batch takes five rules, and six would be needed to name 75, 137 and the rest. "If none of the conditions match, then
 * the job is retried" (Batch API reference, EvaluateOnExit) is what saves one: 75 needs no rule as long as the last one
 * leaves it out, and a pattern of exit codes may end with an asterisk but cannot exclude. Jobs of ours end with 0, 1, 75
 * or by a signal (128 and its number); an exit code that begins with another digit would cost three more attempts.
 */
export const RETRY_RULES: readonly RetryStrategy[] = [
  RetryStrategy.of(Action.RETRY, Reason.custom({ onStatusReason: 'Host EC2*' })),
  RetryStrategy.of(Action.RETRY, Reason.custom({ onReason: 'CannotPullContainer*' })),
  RetryStrategy.of(Action.EXIT, Reason.custom({ onReason: 'OutOfMemory*' })),
  RetryStrategy.of(Action.RETRY, Reason.custom({ onExitCode: '137' })),
  RetryStrategy.of(Action.EXIT, Reason.custom({ onExitCode: '1*' })),
];
