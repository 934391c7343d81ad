import { sizeOf } from '../../host/index.ts';
import { sumOfSquares } from './clip.ts';
import type { SettingsOf } from './optimiser-options.ts';
import type { UpdateRule } from './update-rule.ts';

/**
 * Adafactor (Shazeer & Stern 2018, algorithms 4 to 6; no momentum), in place. The second moment of a matrix is kept as
 * the means of its rows and columns; of a tensor of more dimensions, per matrix of the last two; of a vector, in full.
 * As in PyTorch, epsilon² bounds the moment from below instead of being added to each g². The update is divided by its
 * root mean square where that is above `updateClip`.
 */
export function adafactor(settings: SettingsOf<'adafactor'>): UpdateRule {
  const { decayExponent, updateClip, relativeStep, scaleFloor, epsilon } = settings;
  return {
    slots: slotsOf,
    update({ value, shape, state }, gradient, { lr, decay, time, gradientScale }) {
      const fresh = time ** -decayExponent;
      const count = value.length;
      const step = new Float32Array(count);
      const normalise = shape.length >= 2 ? byFactors : byValues;
      const squares = normalise({ step, gradient, gradientScale, shape, state, fresh, most: 1 / epsilon });
      const rate = relativeStep
        ? Math.max(scaleFloor, Math.sqrt(sumOfSquares(value) / count)) * Math.min(lr, 1 / Math.sqrt(time))
        : lr;
      const factor = rate / Math.max(1, Math.sqrt(squares / count) / updateClip);
      const keep = 1 - lr * decay;
      for (let i = 0; i < count; i++) value[i] = value[i]! * keep - factor * step[i]!;
    },
  };
}

function slotsOf(shape: readonly number[]): Record<string, number> {
  const count = sizeOf(shape);
  if (shape.length < 2) return { second: count };
  return { row: count / (shape.at(-1)! || 1), column: count / (shape.at(-2)! || 1) };
}

interface Normalisation {
  /** Filled with g / sqrt(v). */
  step: Float32Array;
  gradient: Float32Array;
  gradientScale: number;
  shape: readonly number[];
  state: Readonly<Record<string, Float32Array>>;
  /** Share of the new g² in v. */
  fresh: number;
  /** Most that 1 / sqrt(v) may be. */
  most: number;
}

/** Of a vector, by a second moment of each value. @returns the sum of squares of the step */
function byValues({ step, gradient, gradientScale, state, fresh, most }: Normalisation): number {
  const second = state.second!;
  let squares = 0;
  for (let i = 0; i < step.length; i++) {
    const g = gradient[i]! * gradientScale;
    const v = second[i]! + fresh * (g * g - second[i]!);
    second[i] = v;
    const u = g * Math.min(most, 1 / Math.sqrt(v));
    step[i] = u;
    squares += u * u;
  }
  return squares;
}

/**
 * Of matrices, by v = row x column / mean(row) for each matrix of the last two dimensions; 1 / sqrt(v) is a product of a row's
 * and a column's. @returns the sum of squares of the step
 */
function byFactors(given: Normalisation): number {
  const { step, gradient, gradientScale, shape, state, fresh, most } = given;
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const [row, column] = [state.row!, state.column!];
  const sums = new Float64Array(columns);
  const columnFactors = new Float64Array(columns);
  let squares = 0;
  for (let matrix = 0; matrix * rows * columns < step.length; matrix++) {
    const start = matrix * rows * columns;
    let total = 0;
    sums.fill(0);
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let c = 0; c < columns; c++) {
        const g = gradient[start + r * columns + c]! * gradientScale;
        sum += g * g;
        sums[c] = sums[c]! + g * g;
      }
      const at = matrix * rows + r;
      row[at] = row[at]! + fresh * (sum / columns - row[at]!);
      total += row[at]!;
    }
    for (let c = 0; c < columns; c++) {
      const at = matrix * columns + c;
      column[at] = column[at]! + fresh * (sums[c]! / rows - column[at]!);
      columnFactors[c] = 1 / Math.sqrt(column[at]!);
    }
    const mean = Math.max(total / rows, 1 / most);
    for (let r = 0; r < rows; r++) {
      const rowFactor = Math.sqrt(mean / row[matrix * rows + r]!);
      for (let c = 0; c < columns; c++) {
        const at = start + r * columns + c;
        const u = gradient[at]! * gradientScale * Math.min(most, rowFactor * columnFactors[c]!);
        step[at] = u;
        squares += u * u;
      }
    }
  }
  return squares;
}
