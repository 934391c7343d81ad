import { CheckpointError } from '../../host/index.ts';
import { type Checkpoint, decodeCheckpoint } from './checkpoint.ts';

/** A machine may go at any moment: what is lost with it is at most so many ms of a fit. */
const CHECKPOINT_EVERY = 120_000;

/** Named bytes that outlive the process: a folder, a bucket. */
export interface ByteStore {
  /** @returns undefined where nothing has that key */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Whole or not at all. */
  put(key: string, bytes: Uint8Array): Promise<unknown>;
}

export interface FitStoreOptions {
  readonly store: ByteStore;
  /** Where the fits of one training stand; ends with '/'. */
  readonly prefix: string;
  /** Fires when the job is to end: the fit in progress then leaves a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** ms between two checkpoints of a fit. */
  readonly checkpointEvery?: number | undefined;
  /** ms of a clock that only goes forward. */
  readonly now?: (() => number) | undefined;
}

/** The one object of a fit: its last checkpoint, which is its result once it is that of the last step. */
export interface StoredFit {
  /** What an earlier attempt has left. @throws CheckpointError when it is damaged */
  read(): Promise<{ bytes: Uint8Array; checkpoint: Checkpoint } | undefined>;
  put(bytes: Uint8Array): Promise<void>;
  /** Whether the last checkpoint, or the beginning, is so long ago that another is to be put. */
  isDue(): boolean;
}

/**
 * Where a training keeps its fits, so that one that is killed and started again does none twice: those that were finished
 * are read back, and the one that was interrupted goes on from its last checkpoint. Objects are named by the order in
 * which the training asks for its fits and by all that decides a fit's result. They stay: a job may delete nothing, and
 * a training's fits are a few times the size of its model.
 */
export class FitStore {
  readonly signal: AbortSignal | undefined;
  readonly #store: ByteStore;
  readonly #prefix: string;
  readonly #checkpointEvery: number;
  readonly #now: () => number;
  #asked = 0;

  constructor(options: FitStoreOptions) {
    const {
      store,
      prefix,
      signal,
      checkpointEvery = CHECKPOINT_EVERY,
      now = () => performance.now(),
    } = options;
    this.signal = signal;
    this.#store = store;
    this.#prefix = prefix;
    this.#checkpointEvery = checkpointEvery;
    this.#now = now;
  }

  /** @param id of all that decides the fit's result */
  next(id: string): StoredFit {
    const key = `${this.#prefix}${String(this.#asked++).padStart(2, '0')}-${id}.safetensors`;
    let last = this.#now();
    return {
      read: async () => {
        const bytes = await this.#store.get(key);
        if (!bytes) return undefined;
        try {
          return { bytes, checkpoint: decodeCheckpoint(bytes) };
        } catch (cause) {
          if (!(cause instanceof CheckpointError)) throw cause;
          throw new CheckpointError(
            `${key} is damaged (${cause.message}): delete it, and the fit begins anew`,
            { cause },
          );
        }
      },
      put: async (bytes) => {
        await this.#store.put(key, bytes);
        last = this.#now();
      },
      isDue: () => this.#now() - last >= this.#checkpointEvery,
    };
  }
}
