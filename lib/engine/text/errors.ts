import { EngineError } from '../errors.ts';

/** Texts, a tokenizer or an encoder's folder cannot be used as they are. */
export class TextError extends EngineError {
  override name = 'TextError';
}
