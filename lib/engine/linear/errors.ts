import { EngineError } from '../errors.ts';

/** A linear model cannot be fitted or used as asked: the table, the labels, the folds or an option. */
export class LinearError extends EngineError {
  override name = 'LinearError';
}
