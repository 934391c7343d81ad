import type { Precision } from './schema.ts';

/** What is compared; each has tolerances of its own. */
export const parts = ['forward', 'gradients', 'training', 'weights', 'adversarial', 'private'] as const;
export type Part = (typeof parts)[number];

/**
 * How far apart two tensors are. `absolute`: the largest difference of two elements; `relative`: the same, over the largest
 * expected magnitude or 1, whichever is more; `each`: the largest difference of two elements over the expected one's
 * magnitude; `l2`: the L2 norm of the difference over that of the expected tensor.
 */
export type Measure = 'absolute' | 'relative' | 'each' | 'l2';

export interface Comparison {
  readonly file: string;
  readonly part: Part;
  readonly precision: Precision;
  /** What it belongs to within the part: a run of training, a variant. */
  readonly group: string;
  readonly name: string;
  readonly measure: Measure;
  readonly difference: number;
  readonly tolerance: number;
  readonly ok: boolean;
}

/** Something that could not be compared, and why; `failed` when that is the engine's fault. */
export interface Note {
  readonly file: string;
  readonly text: string;
  readonly failed: boolean;
}

export type Tolerances = Readonly<Record<Part, Readonly<Record<Precision, number>>>>;

/** Those of the reference's definition: what torch's own float32 runs keep, with room for another order of sums. */
export const statedTolerances: Tolerances = {
  forward: { f32: 1e-5, f64: 1e-10 },
  gradients: { f32: 1e-4, f64: 1e-10 },
  training: { f32: 1e-5, f64: 1e-9 },
  weights: { f32: 1e-5, f64: 1e-9 },
  adversarial: { f32: 1e-5, f64: 1e-10 },
  private: { f32: 1e-5, f64: 1e-10 },
};

/** Gradients that are zero in theory are rounding noise: their float32 noise stays below this. */
export const ZERO_TOLERANCE: Readonly<Record<Precision, number>> = { f32: 1e-6, f64: 1e-10 };

type Values = ArrayLike<number>;

/** @returns infinity where the lengths differ or a value is not finite, so that no such pair passes */
function difference(measure: Measure, actual: Values, expected: Values): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let scale = 0;
  let relative = 0;
  let squares = 0;
  let expectedSquares = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    const gap = Math.abs(a - e);
    if (!Number.isFinite(gap)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, gap);
    scale = Math.max(scale, Math.abs(e));
    if (gap > 0) relative = Math.max(relative, gap / Math.abs(e));
    squares += gap * gap;
    expectedSquares += e * e;
  }
  switch (measure) {
    case 'absolute':
      return largest;
    case 'relative':
      return largest / Math.max(1, scale);
    case 'each':
      return relative;
    case 'l2':
      return squares === 0 ? 0 : Math.sqrt(squares / expectedSquares);
  }
}

/** L2 norm. */
export function normOf(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i]! * values[i]!;
  return Math.sqrt(squares);
}

/** The comparisons of one model file as they are made. */
export class Ledger {
  readonly comparisons: Comparison[] = [];
  readonly notes: Note[] = [];
  readonly #file: string;
  readonly #tolerances: Tolerances;
  readonly #only: readonly Part[];

  constructor(file: string, tolerances: Tolerances, only: readonly Part[]) {
    this.#file = file;
    this.#tolerances = tolerances;
    this.#only = only;
  }

  /** Nothing is compared where nothing is expected, or the part was not asked for. */
  compare(
    what: {
      part: Part;
      precision: Precision;
      name: string;
      group?: string;
      measure: Measure;
      tolerance?: number;
    },
    actual: Values,
    expected: Values | undefined,
  ): void {
    if (!expected || !this.wants(what.part)) return;
    const { part, precision, group = '', name, measure } = what;
    // whichever part they stand in, gradients are held to the tolerance of gradients
    const kind = measure === 'l2' ? 'gradients' : part;
    const tolerance = what.tolerance ?? this.#tolerances[kind][precision];
    const gap = difference(measure, actual, expected);
    const ok = gap <= tolerance;
    this.comparisons.push({
      file: this.#file,
      part,
      precision,
      group,
      name,
      measure,
      difference: gap,
      tolerance,
      ok,
    });
  }

  wants(part: Part): boolean {
    return this.#only.includes(part);
  }

  /** Something that the folder does not have, or that a file of this kind cannot show. */
  skip(text: string): void {
    this.notes.push({ file: this.#file, text, failed: false });
  }

  /** Something that the engine could not do. */
  fail(text: string): void {
    this.notes.push({ file: this.#file, text, failed: true });
  }
}
