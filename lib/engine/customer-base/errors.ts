import { EngineError } from '../errors.ts';

/** A model of a customer base cannot be fitted or asked: histories, parameters or a horizon are not what is expected. */
export class CustomerBaseError extends EngineError {
  override name = 'CustomerBaseError';
}
