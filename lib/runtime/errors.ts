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

/** A text that cannot name an object in every store. */
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

/** The store could not do what was asked of this object; nothing was changed. */
export class StoreError extends NightjarError {
  override name = 'StoreError';
}

/** The object is there and cannot be used as it is; others may be well. */
export class UnusableObject extends StoreError {
  override name = 'UnusableObject';
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string;

  constructor(reason: string, hint: string, options?: ErrorOptions) {
    super(`${reason}: ${hint}`, options);
    this.reason = reason;
    this.hint = hint;
  }
}

/** Another program writes into the object's file: it can be read when that is done. */
export class BeingWritten extends UnusableObject {
  override name = 'BeingWritten';

  constructor(key: string) {
    super(
      `${key} is being written by another program`,
      'try again when the copy is complete (copying to a name with a leading dot and renaming it then avoids this)',
    );
  }
}

/** The machine could not do what was asked: a disk is full or read-only, memory is short, a right is missing. */
export class SystemError extends NightjarError {
  override name = 'SystemError';
  /** Of the system call, such as 'ENOSPC'. */
  readonly code: string;
  /** Whether all other work would fail of it as well, or only what needs as much as this. */
  readonly concernsAll: boolean;

  constructor(code: string, message: string, options: ErrorOptions & { readonly concernsAll: boolean }) {
    super(message, options);
    this.code = code;
    this.concernsAll = options.concernsAll;
  }
}

/** A queue message or an answer of its handler has not the form that was agreed on. */
export class QueueError extends NightjarError {
  override name = 'QueueError';
}

/** A job request that no runner could carry out. */
export class BatchError extends NightjarError {
  override name = 'BatchError';
}
