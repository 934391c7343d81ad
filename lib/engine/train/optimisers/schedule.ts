import { TrainError } from '../../host/index.ts';

/** Multiplier of the learning rate at a step, 0-based, of a run of `steps`. */
export type Schedule = (step: number, steps: number) => number;

/**
 * Linear warm-up over `warmup` steps (step / warmup, so 0 at step 0), then a straight line to 0 at the end:
 * the schedule of BERT (Devlin et al. 2019, appendix A.2).
 */
export function linearSchedule({ warmup = 0 }: { warmup?: number } = {}): Schedule {
  return warmThen(warmup, (progress) => 1 - progress);
}

/** Linear warm-up, then half a cosine from 1 down to `floor` (Loshchilov & Hutter, "SGDR", 2017, equation 5). */
export function cosineSchedule({
  warmup = 0,
  floor = 0,
}: {
  warmup?: number;
  floor?: number;
} = {}): Schedule {
  return warmThen(warmup, (progress) => floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
}

/** Linear warm-up, then 1. */
export function constantSchedule({ warmup = 0 }: { warmup?: number } = {}): Schedule {
  return warmThen(warmup, () => 1);
}

function warmThen(warmup: number, after: (progress: number) => number): Schedule {
  if (!Number.isInteger(warmup) || warmup < 0) {
    throw new TrainError(`warm-up is a whole number of steps from 0, given ${warmup}`);
  }
  return (step, steps) => {
    if (step < warmup) return step / warmup;
    const left = steps - warmup;
    return after(left > 0 ? Math.min(1, (step - warmup) / left) : 1);
  };
}
