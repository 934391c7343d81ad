import type { Head, JointAnswers } from '../candidates/index.ts';
import type { LabelledTable } from './labelled.ts';

/** How numbers are brought to what models learn: less the mean, by the deviation. */
export interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

/** Numbers as they are. */
const UNSCALED: Scale = { mean: 0, deviation: 1 };

/** What candidates are asked of a table's rows. */
export interface AskedOfRows {
  readonly heads: readonly Head[];
  readonly answers: JointAnswers | undefined;
  /** (rows, heads), see `Material.outcomes`. */
  readonly outcomes: Float32Array;
  readonly scale: Scale;
}

/** @param used rows that scale a number */
export function askedOf({ heads, labels, answers }: LabelledTable, used: Int32Array): AskedOfRows {
  const asked = heads.map((task) => ({ task, bins: 1, inverted: false }));
  if (answers === 'one-of') return { heads: asked, answers, outcomes: labels, scale: UNSCALED };
  if (answers !== 'number') return { heads: asked, answers: undefined, outcomes: labels, scale: UNSCALED };
  const scale = scaleOf(Float64Array.from(used, (row) => labels[row]!));
  const outcomes = labels.map((label) => (label - scale.mean) / scale.deviation);
  return { heads: asked, answers, outcomes, scale };
}

function scaleOf(numbers: Float64Array): Scale {
  const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const variance = numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0) / numbers.length;
  return { mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 };
}
