import { ConfigError } from '../data/index.ts';

/** A reference folder cannot be read as one: a file is missing, damaged, or does not have the form. Exit code 2. */
export class FolderError extends ConfigError {
  override name = 'FolderError';
}
