import { NightjarError } from '../data/index.ts';

/** A setting of robust or private training that makes no sense, or a model that does not fit it. */
export class RobustError extends NightjarError {}
