import type { Feeds, Rng } from '../../host/index.ts';
import { TrainError } from '../../host/index.ts';

/** A batch with what is to be known of it beside its feeds. */
export interface Batch {
  feeds: Feeds;
  /** Which of the program's variants it is for; the model by default. */
  variant?: string | undefined;
  /** Weight of its gradient among the batches of one update: its rows, where they have weight 1. 1 */
  weight?: number;
}

/** Where batches come from. `at` is a function of the step alone, so that a resumed run sees the same batches. */
export interface BatchSource {
  stepsPerEpoch: number;
  /** Batch 0, 1, …; built anew each time, since its buffers move to the worker. Called once each, in order. */
  at(step: number): Feeds | Batch | Promise<Feeds | Batch>;
}

/** Feeds alone are a batch of the model itself, of weight 1. */
export function toBatch(given: Feeds | Batch): Batch {
  return isBatch(given) ? given : { feeds: given };
}

/** A graph may well have an input of the name `feeds`: that is a tensor, and has a type. */
function isBatch(given: Feeds | Batch): given is Batch {
  return given.feeds !== undefined && typeof given.feeds.type !== 'string';
}

export interface ShuffledBatches {
  /** Rows of the training set. */
  rows: number;
  /** Rows of every batch. */
  batchSize: number;
  rng: Rng;
  /**
   * Feeds of one batch.
   * @param rows row numbers, always batchSize of them
   * @param weights 1, or 0 for the rows that only fill up an epoch's last batch; feed them to the program's row weight
   */
  make(rows: Int32Array, weights: Float32Array, step: number): Feeds | Promise<Feeds>;
}

/**
 * Every row once an epoch, in an order of its own each epoch. Batches have one shape: the runtime's results depend on
 * it, so the last is filled up with repeated rows of weight 0.
 */
export function shuffledBatches({ rows, batchSize, rng, make }: ShuffledBatches): BatchSource {
  for (const [what, value] of Object.entries({ rows, batchSize })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TrainError(`${what} is a whole number from 1, given ${value}`);
  }
  const stepsPerEpoch = Math.ceil(rows / batchSize);
  let shuffled: { epoch: number; order: Int32Array } = { epoch: -1, order: new Int32Array() };
  return {
    stepsPerEpoch,
    async at(step) {
      const epoch = Math.floor(step / stepsPerEpoch);
      if (epoch !== shuffled.epoch) shuffled = { epoch, order: rng.fork(`epoch ${epoch}`).permutation(rows) };
      const start = (step % stepsPerEpoch) * batchSize;
      const chosen = new Int32Array(batchSize);
      const weights = new Float32Array(batchSize);
      for (let i = 0; i < batchSize; i++) {
        chosen[i] = shuffled.order[(start + i) % rows]!;
        weights[i] = start + i < rows ? 1 : 0;
      }
      const counted = Math.min(batchSize, rows - start);
      return { feeds: await make(chosen, weights, step), weight: counted };
    },
  };
}
