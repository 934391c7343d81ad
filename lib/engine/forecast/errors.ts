import { EngineError } from '../errors.ts';

/** A forecast cannot be made or judged: a series without days, or other numbers of values than expected. */
export class ForecastError extends EngineError {
  override name = 'ForecastError';
}
