import { EngineError } from '../errors.ts';

/** Points cannot be grouped: their number, the number of groups or a value is not what is expected. */
export class ClusterError extends EngineError {
  override name = 'ClusterError';
}
