import { NightjarError } from '../data/index.ts';

/** A model cannot be looked into as asked; the message says what it has. */
export class InspectError extends NightjarError {
  override name = 'InspectError';
}
