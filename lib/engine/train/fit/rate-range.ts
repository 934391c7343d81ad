import { DivergedError, TrainError } from '../../host/index.ts';
import { checkAborted, type Trainer } from '../trainer/index.ts';
import { type BatchSource, toBatch } from './batches.ts';
import { plainStep, type StepFunction } from './step-function.ts';

export interface RateRangeTest {
  trainer: Trainer;
  batches: BatchSource;
  /** What is done with a batch; `trainer.step` by default. */
  step?: StepFunction;
  /** First rate. 1e-7 */
  from?: number;
  /** Last rate. 1 */
  to?: number;
  /** Updates, the rate growing by one factor each. 100 */
  steps?: number;
  /** Share of the past in the smoothed loss, in [0, 1). 0.9 */
  smoothing?: number;
  /** Ends where the smoothed loss is this many times the least. 4 */
  stopAt?: number;
  signal?: AbortSignal;
}

/** A batch of a range test. */
export interface RatePoint {
  lr: number;
  loss: number;
  /** Exponential mean of the losses so far, corrected for its start at 0. */
  smoothed: number;
}

export interface RateRange {
  curve: RatePoint[];
  /** Where the loss falls most per factor of the rate, before its least; null where it never falls. */
  suggestion: number | null;
  /** Whether the loss grew beyond `stopAt`, or was not finite, before the last rate. */
  diverged: boolean;
}

/**
 * Learning-rate range test (Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3, with rates
 * that grow exponentially): trains with ever larger rates and watches the loss. The trainer is afterwards as it was. A
 * suggestion is a peak rate for a schedule with warm-up; with few steps or noisy batches read the curve instead.
 * @throws TrainError when the range is none, AbortedError, and what a step throws but DivergedError
 */
export async function rateRangeTest(options: RateRangeTest): Promise<RateRange> {
  const { trainer, batches, step = plainStep, from = 1e-7, to = 1, steps = 100 } = options;
  const { smoothing = 0.9, stopAt = 4, signal } = options;
  if (!(from > 0 && to > from) || !Number.isInteger(steps) || steps < 3) {
    throw new TrainError(
      `a range test needs rates 0 < from < to and 3 steps or more, given ${from}, ${to} and ${steps}`,
    );
  }
  if (!(smoothing >= 0 && smoothing < 1) || !(stopAt > 1))
    throw new TrainError(`smoothing lies in [0, 1) and stopAt above 1, given ${smoothing} and ${stopAt}`);
  const before = await trainer.state();
  const curve: RatePoint[] = [];
  let [mean, least, diverged] = [0, Number.POSITIVE_INFINITY, false];
  try {
    for (let i = 0; i < steps && !diverged; i++) {
      checkAborted(signal);
      const lr = from * (to / from) ** (i / (steps - 1));
      const { feeds, variant } = toBatch(await batches.at(i));
      const { loss } = await step(trainer, feeds, { lr, step: i, variant });
      mean = smoothing * mean + (1 - smoothing) * loss;
      const smoothed = mean / (1 - smoothing ** (i + 1));
      curve.push({ lr, loss, smoothed });
      least = Math.min(least, smoothed);
      diverged = smoothed > stopAt * least;
    }
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    diverged = true;
  } finally {
    await trainer.load(before);
  }
  return { curve, suggestion: steepest(curve), diverged };
}

/**
 * Rate of the most negative slope over the logarithm of the rate, up to the least loss. On means to both sides of a step,
 * which do not lag behind it as the smoothed loss does, over a tenth of the steps.
 */
function steepest(curve: readonly RatePoint[]): number | null {
  const half = Math.max(1, Math.round(curve.length / 20));
  const means = curve.map((_, i) => {
    const window = curve.slice(Math.max(0, i - half), i + half + 1);
    return window.reduce((sum, { loss }) => sum + loss, 0) / window.length;
  });
  const least = means.indexOf(Math.min(...means));
  let found: { lr: number; slope: number } | undefined;
  for (let i = half; i + half <= least; i++) {
    // rates grow by one factor, so differences of the loss compare as slopes
    const slope = means[i + half]! - means[i - half]!;
    if (slope < (found?.slope ?? 0)) found = { lr: curve[i]!.lr, slope };
  }
  return found?.lr ?? null;
}
