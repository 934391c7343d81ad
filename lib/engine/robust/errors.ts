import { EngineError } from '../errors.ts';

/** A setting of robust or private training that makes no sense, or a model that does not fit it. */
export class RobustError extends EngineError {}
