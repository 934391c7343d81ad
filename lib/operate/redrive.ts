import type { Config } from '../config/index.ts';
import { QueueError } from '../runtime/index.ts';
import { type DeadLetter, moveBack, peek } from './dead-letters.ts';
import type { Stack, StackQueue } from './stack.ts';
import { type Cause, objectsOf, whyDead } from './why-dead.ts';

/** What a redrive needs of a stack. */
export type DeadLetters = Pick<Stack, 'sqs' | 'store'>;

export interface ExplainedLetter extends DeadLetter, Cause {}

/** Dead letters of a queue with the reason of each, oldest first. Nothing is moved, hidden or lost. */
export async function explainDead(
  stack: DeadLetters,
  queue: StackQueue,
  config: Config,
  limit: number,
): Promise<ExplainedLetter[]> {
  const letters = await peek({ client: stack.sqs, dead: queue.deadUrl }, limit);
  const explained: ExplainedLetter[] = [];
  for (const letter of letters) {
    const cause = await whyDead({ store: stack.store, config, queue: queue.name, body: letter.body });
    explained.push({ ...letter, ...cause });
  }
  return explained;
}

/** Moves a queue's dead letters back, but those that no handler can read. */
export function redrive(
  stack: Pick<Stack, 'sqs'>,
  queue: StackQueue,
  now: Date,
  onMoved?: (moved: number) => void,
): Promise<{ moved: number; left: number }> {
  return moveBack({
    client: stack.sqs,
    dead: queue.deadUrl,
    to: queue.url,
    before: now,
    stays: ({ body }) => objectsOf(body) instanceof QueueError,
    ...(onMoved ? { onMoved } : {}),
  });
}
