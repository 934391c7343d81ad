import { encodeModel, type Graph, GraphBuilder } from '../../engine/onnx/index.ts';
import { type TreeModel, treeScores } from '../../engine/trees/index.ts';
import { fitBoosted, type Material, runRows, transformInputs } from '../candidates/index.ts';

/** Shares of rows below the ends of an interval: it is to hold 80 %. */
const ENDS = [0.1, 0.9] as const;
const HELD = 0.8;
const LEAVES = 8;
const FEWEST_TREES = 20;

/** Two quantiles of a number given the features, by boosted trees of the pinball loss. */
export interface QuantileTrees {
  readonly low: TreeModel;
  readonly high: TreeModel;
}

/** Fits them on the rows that a material may learn from. */
export async function fitQuantiles(material: Material): Promise<QuantileTrees> {
  const { inputs, transform, used, outcomes, unit, config, progress } = material;
  const columns = transform.kept.length;
  const values = new Float32Array(used.length * columns);
  used.forEach((row, i) => void values.set(inputs.subarray(row * columns, (row + 1) * columns), i * columns));
  const known = {
    ...{ rows: used.length, columns, values },
    labels: Float32Array.from(used, (row) => outcomes[row]!),
    unit: Float32Array.from(used, (row) => unit[row]!),
  };
  const { threads } = config.training;
  const fit = async (quantile: number) => {
    progress(`the ${100 * quantile} % quantile`);
    const options = { loss: 'quantile', quantile, maxLeaves: LEAVES } as const;
    return (await fitBoosted(known, options, { seed: config.model.seed, threads, fewest: FEWEST_TREES }))
      .model;
  };
  return { low: await fit(ENDS[0]), high: await fit(ENDS[1]) };
}

/** `features` (batch, width) raw -> `bounds` (batch, 2). */
function graphOf({ low, high }: QuantileTrees, { transform, width }: Material): Graph {
  const g = new GraphBuilder('interval');
  const x = transformInputs(g, g.input('features', 'float32', ['batch', width]), transform);
  g.output('bounds', g.concat([treeScores(g, low, x), treeScores(g, high, x)], 1));
  return g.build();
}

/** The model that is kept beside the one of the number. */
export const encodeInterval = (trees: QuantileTrees, material: Material): Uint8Array =>
  encodeModel(graphOf(trees, material), { parametersAs: 'initializers' });

/** What the quantiles are of some rows, (rows, 2). */
export async function boundsOf(
  trees: QuantileTrees,
  material: Material,
  rows: Int32Array,
): Promise<Float32Array> {
  const bounds = new Float32Array(2 * rows.length);
  const { threads } = material.config.training;
  await runRows(graphOf(trees, material), material, rows, threads, (start, output) => {
    bounds.set(output.bounds!, 2 * start);
  });
  return bounds;
}

/**
 * What intervals must be widened by at each end to hold 80 % of rows that the quantiles were not fitted on; below 0 they become
 * narrower (conformalised quantile regression: Romano, Patterson, Candès 2019, algorithm 1).
 * @param bounds (rows, 2)
 */
export function widening(bounds: Float32Array, truth: ArrayLike<number>): number {
  const beyond = Float64Array.from({ length: bounds.length / 2 }, (_, i) =>
    Math.max(bounds[2 * i]! - truth[i]!, truth[i]! - bounds[2 * i + 1]!),
  ).sort();
  const place = Math.ceil((beyond.length + 1) * HELD) - 1;
  return beyond[Math.min(place, beyond.length - 1)] ?? 0;
}

/**
 * An interval as it is told: widened, and with the expected number in it.
 * @param number on the scale of the bounds
 */
export function intervalOf(
  [low, high]: readonly [number, number],
  number: number,
  widened: number,
): [low: number, high: number] {
  return [Math.min(low - widened, number), Math.max(high + widened, number)];
}
