import { EngineError } from '../errors.ts';

/** A graph cannot be tuned as asked: a target that is not there, an adapter of another base. */
export class PeftError extends EngineError {
  override name = 'PeftError';
}
