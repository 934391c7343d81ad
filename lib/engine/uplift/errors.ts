import { EngineError } from '../errors.ts';

/** Groups that cannot be compared, or a prediction of an effect that cannot be judged: too few rows, or other numbers than expected. */
export class UpliftError extends EngineError {
  override name = 'UpliftError';
}
