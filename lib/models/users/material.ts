import type { Config } from '../../config/index.ts';
import {
  fitColumns,
  fitInputs,
  type InputColumns,
  type InputTransform,
  type Material,
  writeInputs,
} from '../candidates/index.ts';
import type { UserRows } from '../shared/index.ts';
import type { Known } from './known.ts';
import { binEnds, userTask } from './user-rows.ts';

/** Older cut-offs count less, by half every so many days: shops drift. */
const RECENCY_HALF_LIFE = 60;
/** Passes over the rows; rows of one user at many cut-offs are far from independent, so more would overfit. */
const EPOCHS = 12;
/** Passes over the users, where each has few rows. */
const USER_EPOCHS = 64;
const FEWEST_STEPS = 50;
/** Cut-offs with fewer users than this take the statistics of all training rows. */
const FEWEST_USERS = 100;

/**
 * What candidates are fitted on: rows of cut-offs before a day, with the outcomes that were over by then, recent cut-offs
 * first in weight.
 * @param day everything is fitted on what was known by it
 * @param without rows that are held out
 * @throws DataError when no row is left, or no feature varies among them
 */
export function materialOf(
  known: Known,
  day: number,
  without: (row: number) => boolean = () => false,
): Material {
  const { config, heads, rows, visits, texts, data, progress, fits } = known;
  const { used, weights } = usable(known, day, without);
  const columns = fitColumns(rows.features, rows.width, used);
  const users = new Set(Array.from(used, (row) => rows.unit[row]!)).size;
  const epochs = Math.max(EPOCHS, Math.round((USER_EPOCHS * users) / used.length));
  return {
    config,
    heads,
    features: rows.features,
    width: rows.width,
    names: known.names,
    labels: rows.labels,
    used,
    weights,
    ...standardise(rows, columns, used, day),
    outcomes: closedOutcomes(known, day),
    unit: rows.unit,
    steps: stepsOf(config, epochs * used.length),
    piecewise: false,
    data,
    ...(visits
      ? { visits: { ...visits, known: rowsWhere(rows, (row) => rows.cutoff[row]! <= day && !without(row)) } }
      : {}),
    ...(texts ? { texts } : {}),
    progress,
    fits,
  };
}

/** The numbers of rows that pass a test. */
export const rowsWhere = ({ count }: Pick<UserRows, 'count'>, test: (row: number) => boolean): Int32Array =>
  Int32Array.from({ length: count }, (_, i) => i).filter(test);

const stepsOf = ({ training }: Config, passes: number): number =>
  Math.min(training.steps, Math.max(FEWEST_STEPS, Math.floor(passes / training.batchSize)));

/** Rows that a fit may use, and how much each of their bins counts; the mean of what counts is 1. */
function usable(
  { config, heads, rows }: Known,
  day: number,
  without: (row: number) => boolean,
): { readonly used: Int32Array; readonly weights: Float32Array } {
  const ends = binEnds(config, heads);
  const chosen: number[] = [];
  const weights: number[] = [];
  for (let row = 0; row < rows.count; row++) {
    const cutoff = rows.cutoff[row]!;
    if (cutoff >= day || without(row)) continue;
    const recency = 2 ** (-(day - cutoff) / RECENCY_HALF_LIFE);
    const own = ends.map((end, k) =>
      cutoff + end <= day && !Number.isNaN(rows.labels[row * ends.length + k]!) ? recency : 0,
    );
    if (own.every((w) => w === 0)) continue;
    chosen.push(row);
    weights.push(...own);
  }
  const mean = weights.reduce((sum, w) => sum + w, 0) / Math.max(1, weights.filter((w) => w > 0).length);
  return { used: Int32Array.from(chosen), weights: Float32Array.from(weights, (w) => w / (mean || 1)) };
}

/**
 * The inputs of the training rows, each by the statistics of its own cut-off, and the transform of the day that is to be
 * scored, by the statistics of the users known then. Statistics are of features alone: no label takes part.
 */
function standardise(
  rows: UserRows,
  columns: InputColumns,
  used: Int32Array,
  day: number,
): Pick<Material, 'inputs' | 'transform' | 'overall'> {
  const { features, width } = rows;
  const overall = fitInputs(features, width, used, columns);
  const at = (cutoff: number) => {
    const own = rowsWhere(rows, (row) => rows.cutoff[row] === cutoff);
    return own.length < FEWEST_USERS ? overall : fitInputs(features, width, own, columns);
  };
  const transforms = new Map<number, InputTransform>();
  const kept = columns.kept.length;
  const inputs = new Float32Array(rows.count * kept);
  const alike = new Float32Array(rows.count * kept);
  for (const row of used) {
    const cutoff = rows.cutoff[row]!;
    let transform = transforms.get(cutoff);
    if (!transform) transforms.set(cutoff, (transform = at(cutoff)));
    writeInputs(features, row * width, transform, inputs, row * kept);
    writeInputs(features, row * width, overall, alike, row * kept);
  }
  return { inputs, transform: at(day), overall: { inputs: alike, transform: overall } };
}

/** Outcomes of whole windows that were over by a day, NaN for others: (count, tasks). */
export function closedOutcomes({ config, heads, rows }: Known, day: number): Float32Array {
  const horizons = heads.map(({ task }) => userTask(config, task).horizonDays);
  return rows.outcomes.map((outcome, i) => {
    const row = Math.floor(i / horizons.length);
    return rows.cutoff[row]! + horizons[i % horizons.length]! <= day ? outcome : Number.NaN;
  });
}
