import { EngineError } from '../errors.ts';

/** Labels, scores or lists that a metric is not defined on. */
export class MetricError extends EngineError {
  override name = 'MetricError';
}

/** A calibrator that cannot be fitted on the rows given. */
export class CalibrationError extends EngineError {
  override name = 'CalibrationError';
}
