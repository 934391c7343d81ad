import { checkTensor, type Feeds, toPost } from '../../host/index.ts';
import type { SessionMethods } from './session-worker.ts';
import { checkThreads, WorkerClient } from './worker-client.ts';

export interface SessionOptions {
  /** Threads of one operator; results are the same for the same number. 1 */
  threads?: number;
  /** Inputs that are the same in every run (parameters, say): sent once. */
  constants?: Feeds;
}

export interface RunOptions {
  /** Outputs to fetch; all of them by default. */
  outputs?: readonly string[];
  /** Move the feeds' buffers to the worker: cheaper, and they are empty afterwards. */
  transfer?: boolean;
}

/** A model in a worker thread, for evaluation and scoring. */
export class Session {
  readonly #worker: WorkerClient<SessionMethods>;

  /** Use openSession. */
  constructor(worker: WorkerClient<SessionMethods>) {
    this.#worker = worker;
  }

  /**
   * One run; calls queue up in the order they are made.
   * @throws ProgramError for wrong feeds or outputs, SessionError when the runtime fails
   */
  async run(feeds: Feeds, { outputs, transfer = false }: RunOptions = {}): Promise<Feeds> {
    for (const [name, tensor] of Object.entries(feeds)) checkTensor(name, tensor);
    const { tensors, buffers } = toPost(feeds, transfer);
    return this.#worker.call('run', { feeds: tensors, outputs }, buffers);
  }

  /**
   * Runs batches in order. The next batch is built while the worker computes the last one, never more than one ahead,
   * so memory stays flat however many there are.
   */
  async *runAll(
    batches: Iterable<Feeds> | AsyncIterable<Feeds>,
    options: RunOptions = {},
  ): AsyncGenerator<Feeds, void, undefined> {
    let running: Promise<Feeds> | undefined;
    try {
      for await (const feeds of batches) {
        const previous = running;
        running = this.run(feeds, options);
        // a failure is rethrown below, in its turn
        running.catch(() => {});
        if (previous) yield await previous;
      }
      if (running) yield await running;
    } finally {
      await running?.catch(() => {});
    }
  }

  /** Ends the worker once the runs already asked for are done. */
  close(): Promise<void> {
    return this.#worker.close();
  }
}

/**
 * Loads an ONNX model in a worker thread: the runtime blocks the thread that calls it.
 * @throws SessionError when the runtime refuses the model
 */
export async function openSession(
  model: Uint8Array,
  { threads = 1, constants = {} }: SessionOptions = {},
): Promise<Session> {
  checkThreads(threads);
  const worker = new WorkerClient<SessionMethods>('session-worker');
  try {
    await worker.call('open', { model, threads, constants });
  } catch (error) {
    await worker.close();
    throw error;
  }
  return new Session(worker);
}
