import { AbortedError, checkTensor, type Feeds, ProgramError, type Rng, toPost } from '../../host/index.ts';
import { type Driver, type Precision, settleDriver } from '../device/index.ts';
import { type OptimiserOptions, settleOptimiser } from '../optimisers/index.ts';
import { checkProgram, type TrainingProgram } from '../program.ts';
import { checkThreads, WorkerClient } from '../session/index.ts';
import type { BackwardResult, BatchStep, StepResult } from './trainer-core.ts';
import type { StartingPoint, TrainerState } from './trainer-state.ts';
import type { TrainingMethods } from './training-worker.ts';

export interface TrainerOptions {
  /** Threads of one operator; a run repeats bit for bit with the same number. 1 */
  threads?: number;
  optimiser?: OptimiserOptions;
  /** By default `device` on a GPU, for programs and optimisers that can have it, else `cpu`. */
  driver?: Driver;
  /** `mixed`, on the device driver: matrix products in float16, parameters and all else in float32. float32 */
  precision?: Precision;
  /** Updates that the device driver makes in one run, at most. 32 */
  stepsPerRun?: number;
}

export interface BatchOptions {
  /** Move the feeds' buffers to the worker: cheaper, and they are empty afterwards. */
  transfer?: boolean;
  /** Which of the program's variants runs; its model by default. */
  variant?: string | undefined;
}

export interface StepOptions extends BatchOptions {
  /** Learning rate of this update. */
  lr: number;
  /** Checked before the step is sent; a step that runs is finished. */
  signal?: AbortSignal;
}

export interface BackwardOptions extends BatchOptions {
  /** Factor on this batch's gradient; 0 adds nothing, for outputs alone. 1 */
  weight?: number;
  /**
   * First scales this call's gradient by min(1, clipNorm / its global norm): per-example clipping with one example a call
   * (Abadi et al., "Deep learning with differential privacy", 2016, algorithm 1).
   */
  clipNorm?: number;
  /** Further outputs of the graph to return, such as a gradient with respect to an input. */
  outputs?: readonly string[];
}

export interface NoiseOptions {
  /** Standard deviation of the normal noise on each value. */
  deviation: number;
  /** A seeded generator, for tests: it advances. Without one the operating system's cryptographic source is used. */
  source?: Rng;
}

export interface UpdateOptions {
  lr: number;
  /** Factor on what is accumulated: 1 / the sum of weights makes a mean of it. 1 */
  scale?: number;
}

/**
 * A training program at work in a worker thread. Session, parameters and moments live there; this side sends batches
 * and gets losses. Calls queue up in the order they are made, so the next batch can be built while a step runs.
 */
export class Trainer {
  readonly #worker: WorkerClient<TrainingMethods>;
  /** How many batches `steps` is best given at once: 1 on the CPU driver. */
  readonly stepsPerRun: number;

  /** Use openTrainer. */
  constructor(worker: WorkerClient<TrainingMethods>, stepsPerRun: number) {
    this.#worker = worker;
    this.stepsPerRun = stepsPerRun;
  }

  /**
   * One update by the optimiser: `backward` and `update` in one, without accumulation.
   * @throws AbortedError, ProgramError for wrong feeds, DivergedError when the loss is not finite, SessionError
   */
  async step(feeds: Feeds, { lr, transfer = false, signal, variant }: StepOptions): Promise<StepResult> {
    checkAborted(signal);
    checkRate(lr);
    const { tensors, buffers } = ready(feeds, transfer);
    return this.#worker.call('step', { feeds: tensors, lr, variant }, buffers);
  }

  /**
   * Updates one after the other, in one run of the runtime where the device driver trains.
   * @throws as `step`; on the device driver none of a run's updates has been made then
   */
  async steps(batches: readonly BatchStep[], { transfer = false }: BatchOptions = {}): Promise<StepResult[]> {
    const posted = batches.map(({ feeds, lr, variant }) => {
      checkRate(lr);
      const { tensors, buffers } = ready(feeds, transfer);
      return { batch: { feeds: tensors, lr, variant }, buffers };
    });
    return this.#worker.call(
      'steps',
      posted.map(({ batch }) => batch),
      posted.flatMap(({ buffers }) => buffers),
    );
  }

  /**
   * Adds weight x gradient of a batch to what is accumulated for the next `update`. Parameters stay as they are.
   * @returns loss, the gradient's global norm before clipping, and the outputs asked for
   * @throws ProgramError for wrong feeds, DivergedError when loss or gradient is not finite; nothing is added then
   */
  async backward(
    feeds: Feeds,
    { weight = 1, clipNorm, outputs = [], transfer = false, variant }: BackwardOptions = {},
  ): Promise<BackwardResult> {
    if (!Number.isFinite(weight)) throw new ProgramError(`a batch's weight is a number, given ${weight}`);
    if (clipNorm !== undefined && !(clipNorm > 0))
      throw new ProgramError(`a gradient is clipped to a norm above 0, given ${clipNorm}`);
    const { tensors, buffers } = ready(feeds, transfer);
    const settings = { weight, clipNorm, outputs, variant };
    return this.#worker.call('backward', { feeds: tensors, settings }, buffers);
  }

  /**
   * Adds independent normal noise to every accumulated gradient; where nothing is accumulated, to zeros.
   * @throws ProgramError when a table is updated lazily: noise must reach all of its rows
   */
  async addNoise({ deviation, source }: NoiseOptions): Promise<void> {
    if (!Number.isFinite(deviation) || deviation < 0)
      throw new ProgramError(`a deviation of 0 or above is expected of noise, given ${deviation}`);
    const after = await this.#worker.call('addNoise', { deviation, source: source?.state() });
    if (source && after) source.restore(after);
  }

  /**
   * The optimiser's update by scale x what is accumulated, clipped as the optimiser is told; then nothing is accumulated.
   * @returns the global norm of the scaled gradient before clipping
   * @throws ProgramError when nothing is accumulated; DivergedError when it is not finite: it is dropped then
   */
  async update({ lr, scale = 1 }: UpdateOptions): Promise<{ gradNorm: number }> {
    checkRate(lr);
    if (!Number.isFinite(scale)) throw new ProgramError(`the scale of an update is a number, given ${scale}`);
    return this.#worker.call('update', { lr, scale });
  }

  /** Outputs on a batch without an update, of the program's evaluation graph where it has one. */
  async evaluate(
    feeds: Feeds,
    outputs: readonly string[],
    { transfer = false, variant }: BatchOptions = {},
  ): Promise<Feeds> {
    const { tensors, buffers } = ready(feeds, transfer);
    return this.#worker.call('evaluate', { feeds: tensors, outputs, variant }, buffers);
  }

  /**
   * From now on keeps exponential moving averages of the trained parameters, starting as they are: after update t they
   * move by 1 - min(decay, (1 + t) / (10 + t)) of the way to the parameters. null ends them.
   * @throws ProgramError when the decay is outside (0, 1)
   */
  average(decay: number | null): Promise<void> {
    return this.#worker.call('average', decay);
  }

  /**
   * Does some work while the averages stand in the parameters' place: `evaluate` and `parameters` are of them, and there
   * is no training.
   * @throws ProgramError when none are kept
   */
  async withAverages<T>(work: () => Promise<T>): Promise<T> {
    await this.#worker.call('swapAverages', undefined);
    try {
      return await work();
    } finally {
      await this.#worker.call('swapAverages', undefined);
    }
  }

  /** Copies of the trained parameters by name; frozen ones are as the program has them. */
  parameters(): Promise<Record<string, Float32Array>> {
    return this.#worker.call('parameters', undefined);
  }

  /** Copies of trained parameters, optimiser state and averages, and the number of updates; accumulated gradients are not in it. */
  state(): Promise<TrainerState> {
    return this.#worker.call('state', undefined);
  }

  /**
   * Continue from a state, or start from some parameters with a fresh optimiser. What is accumulated is dropped.
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
  { threads = 1, optimiser = {}, stepsPerRun = 32, ...asked }: TrainerOptions = {},
): Promise<Trainer> {
  checkThreads(threads);
  if (!Number.isInteger(stepsPerRun) || stepsPerRun < 1)
    throw new ProgramError(`the updates of one run are a whole number from 1, given ${stepsPerRun}`);
  checkProgram(program);
  const settings = settleOptimiser(program, optimiser);
  const { precision = 'float32' } = asked;
  const driver = settleDriver(program, settings, { driver: asked.driver, precision });
  const worker = new WorkerClient<TrainingMethods>('training-worker');
  try {
    await worker.call('open', { program, settings, threads, driver: { driver, precision } });
  } catch (error) {
    await worker.close();
    throw error;
  }
  return new Trainer(worker, driver === 'device' ? stepsPerRun : 1);
}

function ready(feeds: Feeds, transfer: boolean): { tensors: Feeds; buffers: ArrayBuffer[] } {
  for (const [name, tensor] of Object.entries(feeds)) checkTensor(name, tensor);
  return toPost(feeds, transfer);
}

function checkRate(lr: number): void {
  if (!Number.isFinite(lr) || lr < 0)
    throw new ProgramError(`a learning rate of 0 or above is expected, given ${lr}`);
}

/** @throws AbortedError when the signal has fired */
export function checkAborted(
  signal: AbortSignal | undefined,
  message = 'training was stopped between two steps',
): void {
  if (signal?.aborted) throw new AbortedError(message, { cause: signal.reason });
}
