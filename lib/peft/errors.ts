import { NightjarError } from '../data/errors.ts';

/** A graph cannot be tuned as asked: a target that is not there, an adapter of another base. */
export class PeftError extends NightjarError {
  override name = 'PeftError';
}
