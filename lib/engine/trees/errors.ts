import { EngineError } from '../errors.ts';

/** Trees cannot be grown, read or used as asked: the table, the labels, an option or the bytes of a model. */
export class TreeError extends EngineError {
  override name = 'TreeError';
}
