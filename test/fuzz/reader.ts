import { NightjarError } from '../../lib/data/index.ts';
import { EngineError } from '../../lib/engine/errors.ts';
import type { Mutate } from './mutate.ts';

/** What reads bytes of others, and real files of its kind that are changed for it. */
export interface Reader {
  /** Files as they are: each is read first, and must be taken. */
  readonly seeds: readonly Uint8Array[];
  readonly mutate: Mutate;
  /** Reads a changed file, and throws an error of Nightjar's own where it is refused. Anything else that is thrown is a fault. */
  read(bytes: Uint8Array): Promise<Outcome>;
  close?(): Promise<void>;
}

export type Outcome = 'read' | 'refused';

/** A kind of file: how its reader is opened, and its part of a round. */
export interface ReaderKind {
  readonly open: () => Promise<Reader>;
  /** Files of 100,000 that it gets. */
  readonly share: number;
}

/** Whether an error is an answer to the file, in words for whoever sent it. */
export const isRefusal = (error: unknown): error is Error =>
  (error instanceof NightjarError || error instanceof EngineError) && error.message.trim().length > 0;
