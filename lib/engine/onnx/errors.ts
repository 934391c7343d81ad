import { EngineError } from '../errors.ts';

/** A graph cannot be built, read, specialised or differentiated as asked. Names the node, operator and shapes. */
export class GraphError extends EngineError {
  override name = 'GraphError';
}
