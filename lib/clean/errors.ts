import { NightjarError } from '../data/index.ts';

/** The drop cannot be used as it is. Becomes the `refused` of its quality record and never leaves `cleanDrop`. */
export class Refusal extends NightjarError {
  override name = 'Refusal';
  readonly reason: string;
  readonly hint: string;

  constructor(reason: string, hint: string, options?: ErrorOptions) {
    super(`${reason}: ${hint}`, options);
    this.reason = reason;
    this.hint = hint;
  }
}
