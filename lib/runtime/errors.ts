import { NightjarError } from '../data/errors.ts';

/** No object stands under the key. */
export class ObjectNotFound extends NightjarError {
  override name = 'ObjectNotFound';
  readonly key: string;

  constructor(key: string, options?: ErrorOptions) {
    super(`there is no object ${key}`, options);
    this.key = key;
  }
}

/** The object has changed since its etag was read. */
export class PreconditionFailed extends NightjarError {
  override name = 'PreconditionFailed';
  readonly key: string;

  constructor(key: string, expected: string, options?: ErrorOptions) {
    super(`${key} has changed: it no longer has the etag ${expected}; read it again`, options);
    this.key = key;
  }
}
