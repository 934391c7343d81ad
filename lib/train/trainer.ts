import { AbortedError, ProgramError } from './errors.ts';
import { checkProgram, type OptimiserOptions, settleOptimiser, type TrainingProgram } from './program.ts';
import { checkTensor, type Feeds, toPost } from './tensor.ts';
import type { StartingPoint, StepResult, TrainerState } from './trainer-core.ts';
import type { TrainingMethods } from './training-worker.ts';
import { checkThreads, WorkerClient } from './worker-client.ts';

export interface TrainerOptions {
  /** Threads of one operator; a run repeats bit for bit with the same number. 1 */
  threads?: number;
  optimiser?: OptimiserOptions;
}

export interface StepOptions {
  /** Learning rate of this update. */
  lr: number;
  /** Move the feeds' buffers to the worker: cheaper, and they are empty afterwards. */
  transfer?: boolean;
  /** Checked before the step is sent; a step that runs is finished. */
  signal?: AbortSignal;
}

/**
 * A training program at work in a worker thread. Session, parameters and moments live there; this side sends batches
 * and gets losses. Calls queue up in the order they are made, so the next batch can be built while a step runs.
 */
export class Trainer {
  readonly #worker: WorkerClient<TrainingMethods>;

  /** Use openTrainer. */
  constructor(worker: WorkerClient<TrainingMethods>) {
    this.#worker = worker;
  }

  /**
   * One AdamW update.
   * @throws AbortedError, ProgramError for wrong feeds, DivergedError when the loss is not finite, SessionError
   */
  async step(feeds: Feeds, { lr, transfer = false, signal }: StepOptions): Promise<StepResult> {
    checkAborted(signal);
    if (!Number.isFinite(lr) || lr < 0)
      throw new ProgramError(`a learning rate of 0 or above is expected, given ${lr}`);
    for (const [name, tensor] of Object.entries(feeds)) checkTensor(name, tensor);
    const { tensors, buffers } = toPost(feeds, transfer);
    return this.#worker.call('step', { feeds: tensors, lr }, buffers);
  }

  /** Outputs on a batch without an update, of the program's evaluation graph where it has one. */
  async evaluate(feeds: Feeds, outputs: readonly string[]): Promise<Feeds> {
    for (const [name, tensor] of Object.entries(feeds)) checkTensor(name, tensor);
    const { tensors, buffers } = toPost(feeds, false);
    return this.#worker.call('evaluate', { feeds: tensors, outputs }, buffers);
  }

  /** Copies of all parameters by name. */
  parameters(): Promise<Record<string, Float32Array>> {
    return this.#worker.call('parameters', undefined);
  }

  /** Copies of parameters and moments, and the number of updates. */
  state(): Promise<TrainerState> {
    return this.#worker.call('state', undefined);
  }

  /**
   * Continue from a state, or start from some parameters with fresh moments.
   * @throws ProgramError when names or sizes do not fit; nothing is changed then
   */
  load(state: TrainerState | StartingPoint): Promise<void> {
    return this.#worker.call('load', state);
  }

  /** Ends the worker once the calls already made are done. */
  close(): Promise<void> {
    return this.#worker.close();
  }
}

/**
 * Starts a worker thread around a training program.
 * @throws ProgramError when the program contradicts itself, SessionError when the runtime refuses it
 */
export async function openTrainer(
  program: TrainingProgram,
  { threads = 1, optimiser = {} }: TrainerOptions = {},
): Promise<Trainer> {
  checkThreads(threads);
  checkProgram(program);
  const settings = settleOptimiser(program, optimiser);
  const worker = new WorkerClient<TrainingMethods>('training-worker');
  try {
    await worker.call('open', { program, settings, threads });
  } catch (error) {
    await worker.close();
    throw error;
  }
  return new Trainer(worker);
}

/** @throws AbortedError when the signal has fired */
export function checkAborted(
  signal: AbortSignal | undefined,
  message = 'training was stopped between two steps',
): void {
  if (signal?.aborted) throw new AbortedError(message, { cause: signal.reason });
}
