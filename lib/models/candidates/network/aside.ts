import { createRng } from '../../../engine/host/index.ts';
import { encodeModel, specialise } from '../../../engine/onnx/index.ts';
import type { ProgramFit } from '../../../engine/train/index.ts';
import { batchOf, type LearntRows, type WeightedRows } from './batch.ts';
import { judgingModel, type Network } from './graph.ts';

/** Share of the groups whose rows are kept aside. */
const SHARE = 0.1;
/** Rows aside at most: more would tell little more, and cost what they could teach. */
const MOST = 2048;
/** Below so many groups those kept aside are too few to choose by, and missed too much where they could teach. */
const FEWEST_GROUPS = 1000;

/** Looks at the rows kept aside in a fit. */
const LOOKS = 20;
/** Looks in a row without a lower loss that end a fit. */
const PATIENCE = 5;
/** Batches that are looked at, per step of training: a look costs about a third of a step. */
const BATCHES_PER_STEP = 0.4;

/** Rows that a fit learns from, and those that it is judged by on the way. */
export interface Split {
  readonly learnt: WeightedRows;
  readonly aside: WeightedRows;
}

/**
 * Keeps rows aside, whole groups of them: rows of one user at many cut-offs tell of one another, so they stand on one
 * side together. Which groups depends on the seed and the groups alone, so that a fit that goes on from another one has
 * the same rows aside.
 * @param outputs of all heads
 * @returns undefined where there are too few groups, or an output would have nothing left to learn from
 */
export function keepAside(
  given: WeightedRows,
  groups: ArrayLike<number> | undefined,
  outputs: number,
  seed: number,
): Split | undefined {
  const { rows } = given;
  const groupOf = (place: number) => (groups ? groups[rows[place]!]! : rows[place]!);
  const sizes = new Map<number, number>();
  for (let place = 0; place < rows.length; place++) {
    sizes.set(groupOf(place), (sizes.get(groupOf(place)) ?? 0) + 1);
  }
  if (sizes.size < FEWEST_GROUPS) return undefined;
  const names = Float64Array.from(sizes.keys()).sort();
  const wanted = Math.min(MOST, SHARE * rows.length);
  const chosen = new Set<number>();
  let count = 0;
  for (const at of createRng(seed).fork('aside').permutation(names.length)) {
    if (count >= wanted) break;
    chosen.add(names[at]!);
    count += sizes.get(names[at]!)!;
  }
  const places = Int32Array.from(rows, (_, place) => place);
  const [learnt, aside] = [false, true].map((of) =>
    pick(
      given,
      outputs,
      places.filter((place) => chosen.has(groupOf(place)) === of),
    ),
  ) as [WeightedRows, WeightedRows];
  const told = ({ weights }: WeightedRows, output: number) =>
    weights.some((weight, i) => i % outputs === output && weight > 0);
  const enough = Array.from({ length: outputs }, (_, k) => !told(given, k) || told(learnt, k)).every(Boolean);
  return enough && aside.weights.some((weight) => weight > 0) ? { learnt, aside } : undefined;
}

function pick({ rows, weights }: WeightedRows, outputs: number, places: Int32Array): WeightedRows {
  const own = new Float32Array(places.length * outputs);
  places.forEach((place, i) => {
    own.set(weights.subarray(place * outputs, (place + 1) * outputs), i * outputs);
  });
  return { rows: Int32Array.from(places, (place) => rows[place]!), weights: own };
}

/**
 * How a fit is judged by the rows kept aside: the weighted log loss of the ensemble's mean chances, as all are judged.
 * Training ends once it has not fallen for a while, and the parameters of its least are kept (Prechelt, "Early stopping,
 * but when?", 1998).
 * @param batch rows of a batch, and sizes of what branches read, as the training graph has them
 */
export function judgedBy(
  network: Network,
  data: LearntRows,
  aside: WeightedRows,
  { batch, sizes, steps }: { batch: number; sizes: Readonly<Record<string, number>>; steps: number },
): { evaluation: Uint8Array } & Required<Pick<ProgramFit, 'evaluate' | 'evaluateEvery' | 'patience'>> {
  const graph = specialise(judgingModel(network, createRng(0)), { batch, ...sizes });
  const count = aside.rows.length;
  const affordable = Math.max(1, Math.floor((BATCHES_PER_STEP * steps) / LOOKS));
  const batches = Math.min(Math.ceil(count / batch), affordable);
  return {
    evaluation: encodeModel(graph, { parametersAs: 'inputs' }),
    evaluateEvery: Math.ceil(steps / LOOKS),
    patience: PATIENCE,
    async evaluate(trainer) {
      let [loss, weight] = [0, 0];
      for (let b = 0; b < batches; b++) {
        const places = Int32Array.from({ length: batch }, (_, i) => b * batch + i);
        const at = places.map((place) => place % count);
        const once = Float32Array.from(places, (place) => Number(place < count));
        const rows = Int32Array.from(at, (place) => aside.rows[place]!);
        const own = network.branches.map((branch) => branch.feeds(data, rows, true));
        const feeds = Object.assign(batchOf(network, data, aside, at, once), ...own);
        const told = await trainer.evaluate(feeds, ['loss', 'weight'], { transfer: true });
        loss += Number(told.loss!.data[0]);
        weight += Number(told.weight!.data[0]);
      }
      return { loss: loss / weight };
    },
  };
}
