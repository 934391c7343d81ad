import { InputError } from '../errors.ts';

/** A reference folder cannot be read as one: a file is missing, damaged, or does not have the form. */
export class FolderError extends InputError {
  override name = 'FolderError';
}
