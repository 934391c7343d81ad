import { InputError } from '../errors.ts';

/** A table, a label or an option that a linear model cannot be fitted with. */
export class LinearError extends InputError {
  override name = 'LinearError';
}
