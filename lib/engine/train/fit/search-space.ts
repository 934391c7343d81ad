import type { Rng } from '../../host/index.ts';
import { TrainError } from '../../host/index.ts';

type Scalar = string | number | boolean;

/** A hyper-parameter and the values it may have. */
export type Dimension<V extends Scalar = Scalar> =
  | { readonly kind: 'uniform' | 'log-uniform' | 'int'; readonly low: number; readonly high: number }
  | { readonly kind: 'choice'; readonly values: readonly V[] };

export type SearchSpace = Readonly<Record<string, Dimension>>;

/** A value for each dimension of a space. */
export type PointOf<S extends SearchSpace> = {
  -readonly [K in keyof S]: S[K] extends { readonly kind: 'choice'; readonly values: readonly (infer V)[] }
    ? V
    : number;
};

type Bounds<K extends string> = { readonly kind: K; readonly low: number; readonly high: number };

/** Any number of [low, high). */
function uniform(low: number, high: number): Bounds<'uniform'> {
  checkRange('uniform', low, high, low < high);
  return { kind: 'uniform', low, high };
}

/** Any number of [low, high), each factor as likely: for learning rates and penalties. */
function logUniform(low: number, high: number): Bounds<'log-uniform'> {
  checkRange('log-uniform', low, high, low > 0 && low < high);
  return { kind: 'log-uniform', low, high };
}

/** A whole number of low … high. */
function int(low: number, high: number): Bounds<'int'> {
  checkRange('int', low, high, Number.isInteger(low) && Number.isInteger(high) && low <= high);
  return { kind: 'int', low, high };
}

/** One of some values. */
function choice<const V extends Scalar>(
  ...values: readonly [V, ...V[]]
): { readonly kind: 'choice'; readonly values: readonly V[] } {
  return { kind: 'choice', values };
}

/** Makers of dimensions. */
export const dimension = { uniform, logUniform, int, choice };

/** A point of the space; each dimension draws from a stream of its own, so that adding one leaves the others. */
export function drawPoint<S extends SearchSpace>(space: S, rng: Rng): PointOf<S> {
  const point = Object.fromEntries(
    Object.entries(space).map(([name, dimension]) => [name, draw(dimension, rng.fork(name))]),
  );
  return point as PointOf<S>;
}

function draw(dimension: Dimension, rng: Rng): Scalar {
  switch (dimension.kind) {
    case 'uniform':
      return dimension.low + (dimension.high - dimension.low) * rng.uniform();
    case 'log-uniform':
      return dimension.low * (dimension.high / dimension.low) ** rng.uniform();
    case 'int':
      return dimension.low + rng.integer(dimension.high - dimension.low + 1);
    case 'choice':
      return dimension.values[rng.integer(dimension.values.length)]!;
  }
}

function checkRange(kind: string, low: number, high: number, ok: boolean): void {
  if (!ok || !Number.isFinite(high - low))
    throw new TrainError(`a ${kind} dimension needs a range from low to high, given ${low} to ${high}`);
}
