import { NightjarError } from '../data/index.ts';

/** Texts, a tokenizer or an encoder's folder cannot be used as they are. */
export class TextError extends NightjarError {
  override name = 'TextError';
}
