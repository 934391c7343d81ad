import { NightjarError } from '../data/index.ts';

/** The account, its stacks or their state do not allow what was asked for; nothing was changed. */
export class OperateError extends NightjarError {
  override name = 'OperateError';
}

/** What an error of the SDK says in one line: its name is often all that tells two failures apart. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const message = error.message.split('\n')[0] || 'no reason given';
  return error instanceof NightjarError || error.name === 'Error' || message.startsWith(error.name)
    ? message
    : `${error.name}: ${message}`;
}
