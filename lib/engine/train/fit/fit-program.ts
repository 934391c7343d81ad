import { createHash } from 'node:crypto';
import {
  constantSchedule,
  type OptimiserOptions,
  type Schedule,
  settleOptimiser,
} from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import { checkAborted, openTrainer, type Trainer } from '../trainer/index.ts';
import type { BatchSource } from './batches.ts';
import type { Checkpoint, CurvePoint } from './checkpoint.ts';
import { type FitOptions, fit } from './fit.ts';
import type { FitStore } from './fit-store.ts';
import type { StepFunction } from './step-function.ts';

/** Raise it with every change of what a fit makes of the same program, settings and batches. */
const FIT_VERSION = 2;

export interface ProgramFit {
  program: TrainingProgram;
  optimiser?: OptimiserOptions;
  threads: number;
  batches: BatchSource;
  /** What batches, evaluation and step function are made from, all of it: it tells this fit from others. */
  madeFrom: { settings: unknown; arrays: readonly NodeJS.ArrayBufferView[] };
  steps: number;
  /** Peak learning rate. */
  lr: number;
  schedule?: Schedule;
  /** Batches of one update. 1 */
  accumulate?: number;
  /** Decay of the moving average whose parameters are returned. */
  ema?: number;
  /** What is done with a batch; `trainer.step` by default. */
  step?: StepFunction;
  /** Validation, on data that comes later than what is trained on: the parameters of the least loss are returned. */
  evaluate?: (trainer: Trainer, step: number) => Promise<{ loss: number } & Record<string, number>>;
  /** Steps between evaluations, or points of the curve; an epoch by default. */
  evaluateEvery?: number;
  /** Stop after so many evaluations in a row without a better loss. */
  patience?: number;
  onProgress?: FitOptions['onProgress'];
  /** Keeps the fit, and has it where an earlier attempt was at it. */
  fits?: FitStore | undefined;
}

export interface FittedProgram {
  parameters: Record<string, Float32Array>;
  curve: CurvePoint[];
  /** Step whose parameters these are: the best evaluation's, else the last. */
  bestStep: number;
}

/**
 * Fits a program in a trainer of its own. With a `FitStore` a fit that was finished before is taken
 * from there, and one that was interrupted goes on: the result is the same to the bit.
 * @throws AbortedError when the store's signal has fired, after a checkpoint; what `openTrainer` and `fit` throw
 */
export async function fitProgram(options: ProgramFit): Promise<FittedProgram> {
  const { program, optimiser = {}, threads, batches, steps, lr, fits } = options;
  const { schedule = constantSchedule(), accumulate = 1, patience, evaluate } = options;
  const { evaluateEvery = Math.ceil(batches.stepsPerEpoch / accumulate) } = options;
  checkAborted(fits?.signal);
  const stored = fits?.next(fitId({ ...options, optimiser, schedule, accumulate, evaluateEvery }));
  const earlier = await stored?.read();
  if (earlier && isFinished(earlier.checkpoint, steps, patience)) return resultOf(earlier.checkpoint);
  const trainer = await openTrainer(program, { threads, optimiser });
  try {
    const { curve, bestStep } = await fit({
      trainer,
      batches,
      steps,
      lr,
      schedule,
      accumulate,
      evaluateEvery,
      ema: options.ema,
      step: options.step,
      patience,
      evaluate: evaluate && ((step) => evaluate(trainer, step)),
      onProgress: options.onProgress,
      signal: fits?.signal,
      checkpoint: stored && { put: stored.put, every: stored.isDue, atEnd: true },
      resume: earlier?.bytes,
    });
    return { parameters: await trainer.parameters(), curve, bestStep };
  } finally {
    await trainer.close();
  }
}

function isFinished(checkpoint: Checkpoint, steps: number, patience = Number.POSITIVE_INFINITY): boolean {
  return checkpoint.step === steps || checkpoint.stale >= patience;
}

/** What `fit` leaves in the trainer at the end of a run. */
function resultOf({ trainer, best, curve, step }: Checkpoint): FittedProgram {
  const { parameters, averages } = trainer;
  return {
    parameters: best?.parameters ?? { ...parameters, ...averages },
    curve,
    bestStep: best?.step ?? step,
  };
}

/** A hash of all that decides what a fit ends with, but the machine it runs on. */
function fitId(
  options: ProgramFit & Required<Pick<ProgramFit, 'optimiser' | 'schedule' | 'accumulate'>>,
): string {
  const { program, optimiser, threads, batches, steps, lr, schedule, evaluateEvery, madeFrom } = options;
  const { accumulate, ema, patience } = options;
  const { model, variants = {}, evaluation, evaluationVariants = {}, parameters, ...outputs } = program;
  const rates = Float64Array.from({ length: steps }, (_, step) => lr * schedule(step, steps));
  const arrays = [
    model,
    ...Object.values(variants),
    ...(evaluation ? [evaluation] : []),
    ...Object.values(evaluationVariants),
    rates,
    ...parameters.map(({ data }) => data),
    ...madeFrom.arrays,
  ];
  const settings = {
    version: FIT_VERSION,
    outputs,
    parameters: parameters.map(({ name, shape }) => ({ name, shape })),
    optimiser: settleOptimiser(program, optimiser),
    threads,
    steps,
    accumulate,
    ema: ema ?? null,
    patience: patience ?? null,
    variants: [Object.keys(variants), Object.keys(evaluationVariants)],
    stepsPerEpoch: batches.stepsPerEpoch,
    evaluateEvery,
    madeFrom: madeFrom.settings,
    sizes: arrays.map(({ byteLength }) => byteLength),
  };
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const array of arrays) hash.update(array);
  return hash.digest('hex').slice(0, 16);
}
