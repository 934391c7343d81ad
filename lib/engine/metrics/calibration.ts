import { sigmoid, softplus } from '../host/index.ts';
import { CalibrationError } from './errors.ts';
import { countPositives, type Numbers } from './input.ts';
import { fitPools, type Isotonic, interpolate } from './isotonic.ts';

export interface Sigmoid {
  slope: number;
  intercept: number;
}

/**
 * Turns a model's logit into a calibrated probability. Never decreasing, so it changes no ranking; ranks are taken from
 * the raw logit, which has fewer ties. JSON.stringify keeps kind and params; calibratorFromJson reads them back.
 */
export interface Calibrator {
  kind: CalibratorKind;
  params: Sigmoid | Isotonic;
  apply(logit: number): number;
}

export type CalibratorKind = 'identity' | 'platt' | 'temperature' | 'bias' | 'isotonic';

/** Rows below which isotonic regression overfits its steps (Niculescu-Mizil & Caruana 2005 saw 1,000; ours needs more). */
export const isotonicRows = 10_000;

/** The plain logistic function. */
export function identityCalibrator(): Calibrator {
  return sigmoidCalibrator('identity', { slope: 1, intercept: 0 });
}

/**
 * sigmoid(slope x logit + intercept), both fitted by maximum likelihood on smoothed targets (N+ + 1)/(N+ + 2) and
 * 1/(N- + 2) (Platt, "Probabilistic outputs for support vector machines", 1999), by the Newton iteration with
 * backtracking of Lin, Lin, Weng (2007, algorithm 1). A slope that would come out negative is held at 0.
 * @param logits one a row, on data the model was not fitted on
 * @param labels 0 or 1
 * @throws CalibrationError when there is no row, or a value is not finite, or a label neither 0 nor 1
 */
export function fitPlatt(logits: Numbers, labels: Numbers): Calibrator {
  return sigmoidCalibrator('platt', fitSigmoid(logits, labels, { slope: true, intercept: true }));
}

/** As Platt's, with intercept 0: slope = 1 / temperature (Guo et al., "On calibration of modern neural networks", 2017). */
export function fitTemperature(logits: Numbers, labels: Numbers): Calibrator {
  return sigmoidCalibrator('temperature', fitSigmoid(logits, labels, { slope: true, intercept: false }));
}

/** As Platt's, with slope 1: only the base rate moves. */
export function fitBias(logits: Numbers, labels: Numbers): Calibrator {
  return sigmoidCalibrator('bias', fitSigmoid(logits, labels, { slope: false, intercept: true }));
}

/**
 * Isotonic regression: the non-decreasing steps closest to the labels in squares (Zadrozny & Elkan 2002), straight
 * lines between them, flat outside.
 * @throws CalibrationError with 10,000 rows or fewer, and as fitPlatt
 */
export function fitIsotonic(logits: Numbers, labels: Numbers): Calibrator {
  checkRows(logits, labels);
  if (logits.length <= isotonicRows) {
    throw new CalibrationError(
      `isotonic calibration needs more than ${isotonicRows} rows, given ${logits.length}: use Platt scaling`,
    );
  }
  return isotonicCalibrator(fitPools(logits, labels));
}

/**
 * A calibrator from what JSON kept of it.
 * @throws CalibrationError when it is none
 */
export function calibratorFromJson(json: unknown): Calibrator {
  const { kind, params } = Object(json) as { kind?: unknown; params?: unknown };
  const { slope, intercept, logits, probabilities } = Object(params) as Record<string, unknown>;
  const finite = (value: unknown): value is number => Number.isFinite(value);
  const rising = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((each, i) => finite(each) && (i === 0 || each >= value[i - 1]));
  if (
    kind === 'isotonic' &&
    rising(logits) &&
    rising(probabilities) &&
    logits.length === probabilities.length
  ) {
    if (logits.length > 0) return isotonicCalibrator({ logits, probabilities });
  }
  if (kind === 'identity' || kind === 'platt' || kind === 'temperature' || kind === 'bias') {
    if (finite(slope) && slope >= 0 && finite(intercept))
      return sigmoidCalibrator(kind, { slope, intercept });
  }
  throw new CalibrationError(`this is no calibrator: ${JSON.stringify(json)?.slice(0, 200)}`);
}

function sigmoidCalibrator(kind: CalibratorKind, params: Sigmoid): Calibrator {
  return { kind, params, apply: (logit) => sigmoid(params.slope * logit + params.intercept) };
}

function isotonicCalibrator(params: Isotonic): Calibrator {
  return { kind: 'isotonic', params, apply: (logit) => interpolate(params, logit) };
}

function fitSigmoid(logits: Numbers, labels: Numbers, free: { slope: boolean; intercept: boolean }): Sigmoid {
  checkRows(logits, labels);
  const positives = countPositives(labels);
  const negatives = labels.length - positives;
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (negatives + 2);
  const targets = Float64Array.from({ length: labels.length }, (_, i) => (labels[i] === 1 ? high : low));
  const start = {
    slope: free.slope ? 0 : 1,
    intercept: free.intercept ? Math.log((positives + 1) / (negatives + 1)) : 0,
  };
  const fitted = newton(logits, targets, start, free);
  if (fitted.slope >= 0) return fitted;
  // the likelihood is concave: its best point with slope >= 0 lies on the border
  return newton(logits, targets, { slope: 0, intercept: fitted.intercept }, { ...free, slope: false });
}

function newton(
  logits: Numbers,
  targets: Float64Array,
  start: Sigmoid,
  free: { slope: boolean; intercept: boolean },
): Sigmoid {
  let at = start;
  let value = negativeLogLikelihood(logits, targets, at);
  for (let iteration = 0; iteration < 100; iteration++) {
    let [gs, gi, hss, hsi, hii] = [0, 0, 1e-12, 0, 1e-12];
    for (let i = 0; i < targets.length; i++) {
      const f = logits[i]!;
      const p = sigmoid(at.slope * f + at.intercept);
      const w = p * (1 - p);
      gs += (p - targets[i]!) * f;
      gi += p - targets[i]!;
      hss += w * f * f;
      hsi += w * f;
      hii += w;
    }
    if (!free.slope) [gs, hss, hsi] = [0, 1, 0];
    if (!free.intercept) [gi, hii, hsi] = [0, 1, 0];
    if (Math.abs(gs) < 1e-9 * targets.length && Math.abs(gi) < 1e-9 * targets.length) break;
    const determinant = hss * hii - hsi * hsi;
    const ds = -(hii * gs - hsi * gi) / determinant;
    const di = -(hss * gi - hsi * gs) / determinant;
    const slopeOfLine = gs * ds + gi * di;
    let length = 1;
    let next = at;
    let nextValue = value;
    for (; length >= 1e-10; length /= 2) {
      next = { slope: at.slope + length * ds, intercept: at.intercept + length * di };
      nextValue = negativeLogLikelihood(logits, targets, next);
      if (nextValue < value + 1e-4 * length * slopeOfLine) break;
    }
    // no step lowers it any more: float64 is at its limit
    if (length < 1e-10) break;
    at = next;
    value = nextValue;
  }
  return at;
}

function negativeLogLikelihood(
  logits: Numbers,
  targets: Float64Array,
  { slope, intercept }: Sigmoid,
): number {
  let sum = 0;
  for (let i = 0; i < targets.length; i++) {
    const z = slope * logits[i]! + intercept;
    sum += softplus(z) - targets[i]! * z;
  }
  return sum;
}

function checkRows(logits: Numbers, labels: Numbers): void {
  if (logits.length !== labels.length || logits.length === 0) {
    throw new CalibrationError(
      `as many logits as labels are expected, at least one; given ${logits.length} and ${labels.length}`,
    );
  }
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i]) || (labels[i] !== 0 && labels[i] !== 1)) {
      throw new CalibrationError(
        `row ${i} has logit ${logits[i]} and label ${labels[i]}; a finite number and 0 or 1 are expected`,
      );
    }
  }
}
