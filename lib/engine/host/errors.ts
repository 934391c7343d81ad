import { EngineError } from '../errors.ts';

/** Base of what host memory and training raise on purpose. */
export class TrainError extends EngineError {
  override name = 'TrainError';
}

/** A training program, its feeds or a state to load do not fit together: names, shapes or types. */
export class ProgramError extends TrainError {
  override name = 'ProgramError';
}

/** The runtime refused a model or a run, or its worker thread is gone. */
export class SessionError extends TrainError {
  override name = 'SessionError';
}

/** Loss or gradient stopped being finite. The parameters are those before the failed step. */
export class DivergedError extends TrainError {
  override name = 'DivergedError';
}

/** The caller's abort signal fired between two steps, or two parts of other work. */
export class AbortedError extends TrainError {
  override name = 'AbortedError';
}

/** Bytes that are no checkpoint, or a checkpoint of another program. */
export class CheckpointError extends TrainError {
  override name = 'CheckpointError';
}

const byName: Record<string, new (message: string, options?: ErrorOptions) => TrainError> = {
  ProgramError,
  SessionError,
  DivergedError,
  AbortedError,
};

/** An error as it crosses the thread border: classes do not survive a structured clone. */
export interface PlainError {
  name: string;
  message: string;
}

export function toPlainError(error: unknown): PlainError {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: 'SessionError', message: String(error) };
}

/** The typed error again; anything the worker did not raise on purpose becomes a SessionError. */
export function fromPlainError(plain: PlainError): TrainError {
  const known = byName[plain.name];
  if (known) return new known(plain.message);
  return new SessionError(`the training worker failed: ${plain.name}: ${plain.message}`);
}
