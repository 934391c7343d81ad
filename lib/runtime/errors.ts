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

/** A text that can not name an object in every store. */
export class InvalidKey extends NightjarError {
  override name = 'InvalidKey';
  readonly key: string;

  constructor(key: string, why: string, options?: ErrorOptions) {
    super(
      `${JSON.stringify(key)} is no key: ${why}; a key looks like drop/shop/2011-09-10.csv, without '..', ` +
        `leading dots, '\\' or control characters`,
      options,
    );
    this.key = key;
  }
}

/** The object has no such bytes. */
export class InvalidRange extends NightjarError {
  override name = 'InvalidRange';
  readonly key: string;

  constructor(key: string, start: number, end: number, size: number, options?: ErrorOptions) {
    super(
      `${key} has ${size} bytes, so it has no range from ${start} to ${end}: ask for whole numbers with ` +
        `0 <= start < end and start < ${size}`,
      options,
    );
    this.key = key;
  }
}

/** The store could not do what was asked; nothing was changed. */
export class StoreError extends NightjarError {
  override name = 'StoreError';
}

/** A queue message or an answer of its handler has not the form that was agreed on. */
export class QueueError extends NightjarError {
  override name = 'QueueError';
}

/** A job request that no runner could carry out. */
export class BatchError extends NightjarError {
  override name = 'BatchError';
}
