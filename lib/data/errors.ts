/**
 * Base of every error that Nightjar raises on purpose: its message says what was given, what was expected and what
 * to do. The command line prints it without a stack trace; anything else is a bug and is printed with one.
 */
export class NightjarError extends Error {
  override name = 'NightjarError';
}

/** A setting is wrong or missing. Exit code 2. */
export class ConfigError extends NightjarError {
  override name = 'ConfigError';
}

/** A drop, table or model file cannot be used as it is. */
export class DataError extends NightjarError {
  override name = 'DataError';
}
