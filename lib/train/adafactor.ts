import { sumOfSquares } from './clip.ts';
import type { SettingsOf } from './optimiser-options.ts';
import { sizeOf } from './tensor.ts';
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
      if (shape.length >= 2) factored(step, gradient, shape, state, fresh, gradientScale, epsilon);
      else {
        const second = state.second!;
        for (let i = 0; i < count; i++) {
          const g = gradient[i]! * gradientScale;
          const v = second[i]! + fresh * (g * g - second[i]!);
          second[i] = v;
          step[i] = g / Math.sqrt(Math.max(v, epsilon * epsilon));
        }
      }
      const rate = relativeStep
        ? Math.max(scaleFloor, rootMeanSquare(value)) * Math.min(lr, 1 / Math.sqrt(time))
        : lr;
      const factor = rate / Math.max(1, rootMeanSquare(step) / updateClip);
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

/** g / sqrt(v) with v = row x column / mean(row), per matrix of the last two dimensions. */
function factored(
  step: Float32Array,
  gradient: Float32Array,
  shape: readonly number[],
  state: Readonly<Record<string, Float32Array>>,
  fresh: number,
  gradientScale: number,
  epsilon: number,
): void {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const [row, column] = [state.row!, state.column!];
  const sums = new Float64Array(columns);
  for (let matrix = 0; matrix * rows * columns < gradient.length; matrix++) {
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
    }
    const mean = Math.max(total / rows, epsilon);
    for (let r = 0; r < rows; r++) {
      const share = row[matrix * rows + r]! / mean;
      for (let c = 0; c < columns; c++) {
        const v = Math.max(share * column[matrix * columns + c]!, epsilon * epsilon);
        const at = start + r * columns + c;
        step[at] = (gradient[at]! * gradientScale) / Math.sqrt(v);
      }
    }
  }
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(sumOfSquares(values) / values.length);
}
