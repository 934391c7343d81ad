import { createHash } from 'node:crypto';
import { canonicalJson } from '../data/index.ts';
import type { BatchSource } from './batches.ts';
import type { CurvePoint } from './checkpoint.ts';
import { type FitOptions, fit } from './fit.ts';
import type { FitStore } from './fit-store.ts';
import { type OptimiserOptions, settleOptimiser } from './optimiser-options.ts';
import type { TrainingProgram } from './program.ts';
import { constantSchedule, type Schedule } from './schedule.ts';
import { checkAborted, openTrainer } from './trainer.ts';

/** Raise it with every change of what a fit makes of the same program, settings and batches. */
const FIT_VERSION = 2;

export interface ProgramFit {
  program: TrainingProgram;
  optimiser?: OptimiserOptions;
  threads: number;
  batches: BatchSource;
  /** What the batches are made from, all of it: it tells this fit from others. */
  madeFrom: { settings: unknown; arrays: readonly NodeJS.ArrayBufferView[] };
  steps: number;
  /** Peak learning rate. */
  lr: number;
  schedule?: Schedule;
  /** Batches of one update. 1 */
  accumulate?: number;
  /** Decay of the moving average whose parameters are returned. */
  ema?: number;
  /** Steps between points of the curve; an epoch by default. */
  evaluateEvery?: number;
  onProgress?: FitOptions['onProgress'];
  /** Keeps the fit, and has it where an earlier attempt was at it. */
  fits?: FitStore | undefined;
}

export interface FittedProgram {
  parameters: Record<string, Float32Array>;
  curve: CurvePoint[];
}

/**
 * Fits a program in a trainer of its own, without validation. With a `FitStore` a fit that was finished before is taken
 * from there, and one that was interrupted goes on: the result is the same to the bit.
 * @throws AbortedError when the store's signal has fired, after a checkpoint; what `openTrainer` and `fit` throw
 */
export async function fitProgram(options: ProgramFit): Promise<FittedProgram> {
  const { program, optimiser = {}, threads, batches, steps, lr, fits } = options;
  const { schedule = constantSchedule(), accumulate = 1, ema, onProgress } = options;
  const { evaluateEvery = Math.ceil(batches.stepsPerEpoch / accumulate) } = options;
  checkAborted(fits?.signal);
  const stored = fits?.next(fitId({ ...options, optimiser, schedule, accumulate, evaluateEvery }));
  const earlier = await stored?.read();
  if (earlier?.checkpoint.step === steps) {
    const { parameters, averages } = earlier.checkpoint.trainer;
    return { parameters: { ...parameters, ...averages }, curve: earlier.checkpoint.curve };
  }
  const trainer = await openTrainer(program, { threads, optimiser });
  try {
    const { curve } = await fit({
      trainer,
      batches,
      steps,
      lr,
      schedule,
      accumulate,
      ...(ema === undefined ? {} : { ema }),
      evaluateEvery,
      ...(onProgress ? { onProgress } : {}),
      ...(fits?.signal ? { signal: fits.signal } : {}),
      ...(stored
        ? { checkpoint: { put: stored.put, every: (step) => step === steps || stored.isDue() } }
        : {}),
      ...(earlier ? { resume: earlier.bytes } : {}),
    });
    return { parameters: await trainer.parameters(), curve };
  } finally {
    await trainer.close();
  }
}

/** A hash of all that decides what a fit ends with, but the machine it runs on. */
function fitId(
  options: ProgramFit & Required<Pick<ProgramFit, 'optimiser' | 'schedule' | 'accumulate'>>,
): string {
  const { program, optimiser, threads, batches, steps, lr, schedule, evaluateEvery, madeFrom } = options;
  const { accumulate, ema } = options;
  const { model, variants = {}, evaluation: _, evaluationVariants: __, parameters, ...outputs } = program;
  const rates = Float64Array.from({ length: steps }, (_, step) => lr * schedule(step, steps));
  const arrays = [
    model,
    ...Object.values(variants),
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
    variants: Object.keys(variants),
    stepsPerEpoch: batches.stepsPerEpoch,
    evaluateEvery,
    madeFrom: madeFrom.settings,
    sizes: arrays.map(({ byteLength }) => byteLength),
  };
  const hash = createHash('sha256').update(canonicalJson(settings));
  for (const array of arrays) hash.update(array);
  return hash.digest('hex').slice(0, 16);
}
