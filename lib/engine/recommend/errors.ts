import { EngineError } from '../errors.ts';

/** Interactions cannot be learnt from: a number is not what is expected. */
export class RecommendError extends EngineError {
  override name = 'RecommendError';
}
