/**
 * Base of every error that the engine raises on purpose: its message says what was given, what was expected and what to
 * do. Anything else that comes out of the engine is a bug.
 */
export class EngineError extends Error {
  override name = 'EngineError';
}

/** What the caller named cannot be used: a file that is missing, or one that is not what it should be. */
export class InputError extends EngineError {
  override name = 'InputError';
}
