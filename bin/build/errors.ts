import { NightjarError } from '../../lib/data/index.ts';

/** A package cannot be built as it must be: too large, with a library that does not belong there, from another version. */
export class BuildError extends NightjarError {
  override name = 'BuildError';
}
