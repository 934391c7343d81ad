import { EngineError } from '../errors.ts';

/** A model cannot be looked into as asked; the message says what it has. */
export class InspectError extends EngineError {
  override name = 'InspectError';
}
