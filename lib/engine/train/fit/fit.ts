import type { Rng } from '../../host/index.ts';
import { CheckpointError, DivergedError, TrainError } from '../../host/index.ts';
import { constantSchedule, type Schedule } from '../optimisers/index.ts';
import { checkAborted, type StepResult, type Trainer } from '../trainer/index.ts';
import { BatchQueue } from './batch-queue.ts';
import type { BatchSource } from './batches.ts';
import { type Checkpoint, type CurvePoint, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import type { StepFunction } from './step-function.ts';

export interface FitOptions {
  trainer: Trainer;
  batches: BatchSource;
  /** Updates of the run; or `epochs`. */
  steps?: number;
  epochs?: number;
  /** Peak learning rate. */
  lr: number;
  /** What is done with a batch. By default an update each, `trainer.stepsPerRun` of them in one call. */
  step?: StepFunction | undefined;
  /**
   * Batches of one update; their gradients are averaged by the batches' weights, as if they were one batch. 1. A step
   * counts updates everywhere but in `batches`, and `epochs` are rounded up to whole updates.
   */
  accumulate?: number | undefined;
  /**
   * Decay of an exponential moving average of the parameters (0.999, say): `evaluate` sees the averages, and they, not
   * the last values, are what the trainer holds in the end.
   */
  ema?: number | undefined;
  /** Constant by default. */
  schedule?: Schedule | undefined;
  /** Validation: `loss` is monitored (lower is better), further numbers go to the curve. */
  evaluate?: ((step: number) => Promise<{ loss: number } & Record<string, number>>) | undefined;
  /** Steps between evaluations, or between points of the curve; an epoch by default. The last step always has one. */
  evaluateEvery?: number | undefined;
  /** Stop after so many evaluations in a row without a better loss; needs `evaluate`. */
  patience?: number | undefined;
  checkpoint?:
    | undefined
    | {
        /** Stores the bytes, all or nothing: a reader never sees half of them. */
        put(bytes: Uint8Array): Promise<void>;
        /** Steps between checkpoints, or whether one is due (a caller with a clock); several updates in one call end first. */
        every: number | ((step: number) => boolean);
        /** Puts one when the run ends as well, by its steps or by patience. */
        atEnd?: boolean;
      };
  /** Bytes of a checkpoint of this very run to go on from. */
  resume?: Uint8Array | undefined;
  /** Generators that `batches.at` advances (those it forks by step need no saving). */
  rngs?: Record<string, Rng>;
  onProgress?: ((progress: { step: number; of: number; loss: number; lr: number }) => void) | undefined;
  /** Aborts between steps, or between calls of several; a checkpoint is put first when there is somewhere to put it. */
  signal?: AbortSignal | undefined;
}

export interface FitResult {
  /** Updates done. */
  steps: number;
  stoppedBy: 'steps' | 'patience';
  /** Step whose parameters the trainer now holds: the best evaluation's, else the last. */
  bestStep: number;
  /** Its monitored loss; absent without `evaluate`. */
  bestLoss?: number;
  curve: CurvePoint[];
}

/**
 * Trains: a batch is built while the worker computes the last one. With `evaluate`, the parameters of the best
 * evaluation are loaded back at the end (early stopping: Prechelt, "Early stopping, but when?", 1998).
 * A run that was killed and resumed gives bit for bit the losses and parameters of one that was not.
 * @throws DivergedError, AbortedError, CheckpointError when `resume` is of another run, and what callbacks throw
 */
export async function fit(options: FitOptions): Promise<FitResult> {
  const {
    trainer,
    batches,
    lr,
    schedule = constantSchedule(),
    evaluate,
    rngs = {},
    onProgress,
    signal,
  } = options;
  const of = totalSteps(options);
  const { evaluateEvery = updatesPerEpoch(options), patience = Number.POSITIVE_INFINITY } = options;
  if (patience !== Number.POSITIVE_INFINITY && !evaluate)
    throw new TrainError('patience needs an evaluate callback');
  const { accumulate = 1, ema, step, checkpoint } = options;
  checkAccumulate(accumulate, step);
  const pauses = [evaluateEvery, typeof checkpoint?.every === 'number' ? checkpoint.every : of];
  pauses.forEach(checkPause);
  if (ema !== undefined) await trainer.average(ema);
  const run = options.resume
    ? await resumeRun(options.resume, { of, accumulate, averaged: ema !== undefined }, trainer, rngs)
    : newRun(of, accumulate);
  let stoppedBy: FitResult['stoppedBy'] = 'steps';
  const alone = step !== undefined || accumulate > 1 || trainer.stepsPerRun === 1;
  const together = (from: number) =>
    alone ? 1 : Math.min(trainer.stepsPerRun, ...pauses.map((every) => every - (from % every)), of - from);
  const queue = new BatchQueue(
    batches,
    { start: run.step * accumulate, end: of * accumulate, together },
    rngs,
  );

  const save = async () =>
    checkpoint?.put(encodeCheckpoint({ ...run, trainer: await trainer.state(), rngs: queue.rngs }));
  const rateOf = (at: number) => lr * schedule(at, of);
  const update = async (): Promise<StepResult[]> => {
    const rate = rateOf(run.step);
    if (accumulate > 1) return [await accumulated(trainer, queue, accumulate, rate)];
    return queue.take(async (taken) => {
      const [{ feeds, variant }] = taken;
      if (step) return [await step(trainer, feeds, { lr: rate, step: run.step, variant })];
      const steps = taken.map((batch, i) => ({ ...batch, lr: rateOf(run.step + i) }));
      return trainer.steps(steps, { transfer: true });
    });
  };

  try {
    while (run.step < of && run.stale < patience) {
      if (signal?.aborted) await save();
      checkAborted(signal);
      const first = run.step + 1;
      for (const { loss, gradNorm } of await update()) {
        run.step += 1;
        run.pending.loss += loss;
        run.pending.gradNorm += gradNorm;
        run.pending.steps += 1;
        onProgress?.({ step: run.step, of, loss, lr: rateOf(run.step - 1) });
      }
      if (run.step % evaluateEvery === 0 || run.step === of) {
        await addPoint(run, rateOf(run.step - 1), evaluate, trainer, ema !== undefined);
      }
      const ended = run.step === of || run.stale >= patience;
      if (isDue(checkpoint?.every, first, run.step) || (ended && checkpoint?.atEnd)) await save();
    }
    if (run.stale >= patience) stoppedBy = 'patience';
  } finally {
    await queue.end();
  }
  if (run.best) await trainer.load({ parameters: run.best.parameters });
  else if (ema !== undefined) {
    const parameters = await trainer.withAverages(() => trainer.parameters());
    await trainer.load({ parameters });
  }
  if (ema !== undefined) await trainer.average(null);
  return {
    steps: run.step,
    stoppedBy,
    bestStep: run.best?.step ?? run.step,
    ...(run.best ? { bestLoss: run.best.loss } : {}),
    curve: run.curve,
  };
}

type Run = Omit<Checkpoint, 'trainer' | 'rngs'>;

/** One update by the mean gradient of several batches, each counted by its weight. */
async function accumulated(
  trainer: Trainer,
  queue: BatchQueue,
  batches: number,
  lr: number,
): Promise<StepResult> {
  let [total, weights] = [0, 0];
  for (let i = 0; i < batches; i++) {
    await queue.take(async ([{ feeds, variant, weight = 1 }]) => {
      const { loss } = await trainer.backward(feeds, { weight, variant, transfer: true });
      total += weight * loss;
      weights += weight;
    });
  }
  const { gradNorm } = await trainer.update({ lr, scale: 1 / weights });
  return { loss: total / weights, gradNorm };
}

function checkAccumulate(accumulate: number, step: StepFunction | undefined): void {
  if (!Number.isInteger(accumulate) || accumulate < 1)
    throw new TrainError(`accumulate is a whole number of batches from 1, given ${accumulate}`);
  if (accumulate > 1 && step)
    throw new TrainError(
      'a step function makes its own updates: give it larger batches instead of accumulate',
    );
}

function checkPause(every: number): void {
  if (!(every >= 1 && (Number.isInteger(every) || every === Number.POSITIVE_INFINITY)))
    throw new TrainError(
      `steps between evaluations or checkpoints are a whole number from 1, given ${every}`,
    );
}

function newRun(of: number, accumulate: number): Run {
  return {
    step: 0,
    of,
    accumulate,
    curve: [],
    pending: { loss: 0, gradNorm: 0, steps: 0 },
    best: null,
    stale: 0,
  };
}

async function resumeRun(
  bytes: Uint8Array,
  { of, accumulate, averaged }: { of: number; accumulate: number; averaged: boolean },
  trainer: Trainer,
  rngs: Record<string, Rng>,
): Promise<Run> {
  const { trainer: state, rngs: saved, ...run } = decodeCheckpoint(bytes);
  if (run.of !== of) {
    throw new CheckpointError(
      `the checkpoint is of a run of ${run.of} steps, this one has ${of}: the schedule differs`,
    );
  }
  if (run.accumulate !== accumulate) {
    throw new CheckpointError(
      `the checkpoint is of a run of ${run.accumulate} batches an update, this one has ${accumulate}`,
    );
  }
  if ((state.averages !== undefined) !== averaged) {
    const [theirs, ours] = averaged ? ['no', 'keeps'] : ['', 'keeps no'];
    throw new CheckpointError(`the checkpoint has ${theirs} moving averages, this run ${ours} them`);
  }
  const names = (of: object) => Object.keys(of).sort().join(', ') || 'none';
  if (names(saved) !== names(rngs)) {
    throw new CheckpointError(`the checkpoint has the generators ${names(saved)}, this run ${names(rngs)}`);
  }
  for (const [name, rng] of Object.entries(rngs)) rng.restore(saved[name]!);
  await trainer.load(state);
  return run;
}

async function addPoint(
  run: Run,
  lr: number,
  evaluate: FitOptions['evaluate'],
  trainer: Trainer,
  ema: boolean,
): Promise<void> {
  const { loss, gradNorm, steps } = run.pending;
  const point: CurvePoint = { step: run.step, lr, trainLoss: loss / steps, gradNorm: gradNorm / steps };
  run.pending = { loss: 0, gradNorm: 0, steps: 0 };
  if (evaluate) {
    const judge = () => judged(run, point, evaluate, trainer);
    await (ema ? trainer.withAverages(judge) : judge());
  }
  run.curve.push(point);
}

/** Evaluates what stands in the parameters' place and keeps it where it is the best so far. */
async function judged(
  run: Run,
  point: CurvePoint,
  evaluate: NonNullable<FitOptions['evaluate']>,
  trainer: Trainer,
): Promise<void> {
  const { loss: validLoss, ...metrics } = await evaluate(run.step);
  if (!Number.isFinite(validLoss)) {
    throw new DivergedError(
      `the validation loss after step ${run.step} is ${validLoss}: lower the learning rate`,
    );
  }
  point.validLoss = validLoss;
  // an undefined metric (NaN) would not survive a checkpoint's JSON
  const defined = Object.entries(metrics).filter(([, value]) => Number.isFinite(value));
  if (defined.length > 0) point.metrics = Object.fromEntries(defined);
  if (!run.best || validLoss < run.best.loss) {
    run.best = { step: run.step, loss: validLoss, parameters: await trainer.parameters() };
    run.stale = 0;
  } else {
    run.stale += 1;
  }
}

/** Whether a checkpoint is due after one of the steps first … last. */
function isDue(
  every: number | ((step: number) => boolean) | undefined,
  first: number,
  last: number,
): boolean {
  if (every === undefined) return false;
  if (typeof every === 'number') return last % every === 0;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).some(every);
}

function updatesPerEpoch({ batches, accumulate = 1 }: FitOptions): number {
  return Math.ceil(batches.stepsPerEpoch / accumulate);
}

function totalSteps({ steps, epochs, batches, accumulate = 1 }: FitOptions): number {
  const total = steps ?? Math.ceil(((epochs ?? Number.NaN) * batches.stepsPerEpoch) / accumulate);
  if (!Number.isInteger(total) || total < 1) {
    throw new TrainError(
      `fit needs steps or epochs, a whole number from 1; given steps ${steps} and epochs ${epochs}`,
    );
  }
  return total;
}
