import { createRng, type Feeds, float32, type Rng } from '../../../engine/host/index.ts';
import { type Graph, specialise } from '../../../engine/onnx/index.ts';
import {
  type Batch,
  type BatchSource,
  type CurvePoint,
  cosineSchedule,
  type FitStore,
  fitProgram,
  shuffledBatches,
} from '../../../engine/train/index.ts';
import { bins } from '../heads.ts';
import { type BranchRows, textsOf } from './branches/index.ts';
import { type Network, trainingModel } from './graph.ts';
import { type ParameterValues, withValues } from './parameters.ts';
import { compiled, tunedProgram } from './program.ts';
import { type TextTuning, textBatchShapes, tunedFeeds } from './texts/tuning.ts';

/** Rows as a network learns from them. */
export interface LearntRows extends BranchRows {
  /** (count, kept), transformed. */
  readonly inputs: Float32Array;
  /** (count, bins). */
  readonly labels: Float32Array;
}

export interface NetworkTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** On the weights of all branches but the linear one. */
  readonly weightDecay: number;
  /** Penalty on the linear part as the variance of a normal prior over its standardised weights. */
  readonly priorVariance: number;
  readonly dropout: number;
  readonly threads: number;
  readonly seed: number;
  readonly onProgress?: (step: number, of: number, loss: number) => void;
  /** Keeps the fit for a training that is started again. */
  readonly fits?: FitStore | undefined;
  /** Trains the text encoder too: its vectors are computed from the texts, not taken from the rows. */
  readonly tuning?: TextTuning | undefined;
}

/**
 * Trains a network on some rows of the data.
 * @param rows row numbers
 * @param weights (rows.length, bins): 0 where an outcome must not be used
 * @param initial values of some parameters by name, such as a pretrained encoder's
 */
export async function fitNetwork(
  network: Network,
  data: LearntRows,
  rows: Int32Array,
  weights: Float32Array,
  training: NetworkTraining,
  initial: ParameterValues = {},
): Promise<{ readonly parameters: ParameterValues; readonly curve: CurvePoint[] }> {
  const rng = createRng(training.seed);
  const effective = weights.reduce((sum, w) => sum + Number(w > 0), 0) / bins(network);
  const linearL2 = 1 / (2 * training.priorVariance * Math.max(effective, 1));
  const batch = Math.min(training.batchSize, Math.max(8, rows.length));
  const { tuning, steps, seed, dropout: rate } = training;
  const { branches } = network;
  const model = trainingModel(network, rng.fork('init'), { linearL2, dropout: rate }, tuning?.graph);
  // What is given goes before the base rates: a model that goes on from a fitted one keeps its biases.
  const started = withValues(withPriors(model, network, data, rows, weights), initial);
  const sizes: Record<string, number> = Object.assign({}, ...branches.map((branch) => branch.sizes(batch)));
  const tables = branches.flatMap((branch) => branch.tables);
  const shapes = tuning ? textBatchShapes(sizes.texts!, tuning) : [];
  const program = tuning
    ? tunedProgram(started, tables, tuning, batch, shapes)
    : compiled(specialise(started, { batch, ...sizes }), tables);
  const dropout = rng.fork('dropout');
  const read = textsOf(branches);
  const make = (at: Int32Array, w: Float32Array, step: number): Feeds => {
    const chosen = Int32Array.from(at, (i) => rows[i]!);
    const own = branches.map((branch) =>
      tuning && branch === read
        ? tunedFeeds(read.shape, data.texts!.texts, chosen, tuning, shapes)
        : branch.feeds(data, chosen, true),
    );
    const masks = rate > 0 ? maskFeeds(network, dropout.fork(`${step}`), at.length, rate) : {};
    return Object.assign(batchOf(network, data, rows, weights, at, w), masks, ...own);
  };
  const plain = shuffledBatches({ rows: rows.length, batchSize: batch, rng: rng.fork('order'), make });
  // Which program a batch is for follows from how many texts it has.
  const batches: BatchSource = tuning
    ? {
        stepsPerEpoch: plain.stepsPerEpoch,
        async at(step) {
          // `shuffledBatches` tells the weight beside the feeds.
          const batch = (await plain.at(step)) as Batch;
          const texts = batch.feeds.input_ids!.shape[0];
          return { ...batch, variant: shapes.find((fits) => fits.texts === texts)!.variant };
        },
      }
    : plain;
  const content = branches.flatMap((branch) =>
    tuning && branch === read ? [data.texts!.texts, tuning.pieces.ids] : branch.content(data),
  );
  return fitProgram({
    program,
    threads: training.threads,
    optimiser: {
      beta2: 0.99,
      weightDecay: training.weightDecay,
      // The linear part has its own penalty, and the members' signs and scales are no weights to shrink.
      group: ({ name, shape: dims }) => ({
        decay: dims.length >= 2 && !name.startsWith('linear.') && /weight$|head|table/.test(name),
      }),
    },
    batches,
    madeFrom: {
      settings: { seed, dropout: rate },
      arrays: [data.inputs, data.labels, rows, weights, ...content],
    },
    steps,
    lr: training.learningRate,
    schedule: cosineSchedule({ warmup: Math.min(50, Math.ceil(steps / 10)) }),
    onProgress: ({ step, of, loss }) => training.onProgress?.(step, of, loss),
    fits: training.fits,
  });
}

/** Starts the linear part's biases at the base rates, so that the first steps are not spent on them. */
function withPriors(
  graph: Graph,
  network: Network,
  data: LearntRows,
  rows: Int32Array,
  weights: Float32Array,
): Graph {
  const outputs = bins(network);
  const bias = new Float32Array(outputs);
  for (let k = 0; k < outputs; k++) {
    let positive = 0.5;
    let total = 1;
    rows.forEach((row, i) => {
      const weight = weights[i * outputs + k]!;
      if (weight === 0) return;
      positive += weight * data.labels[row * outputs + k]!;
      total += weight;
    });
    bias[k] = Math.log(positive / (total - positive));
  }
  return withValues(graph, { 'linear.bias': bias });
}

/** Inputs, labels and weights of a batch. @param at places in `rows` */
function batchOf(
  network: Network,
  data: LearntRows,
  rows: Int32Array,
  weights: Float32Array,
  at: Int32Array,
  rowWeights: Float32Array,
): Feeds {
  const n = at.length;
  const outputs = bins(network);
  const width = network.transform.kept.length;
  const inputs = new Float32Array(n * width);
  const labels = new Float32Array(n * outputs);
  const cell = new Float32Array(n * outputs);
  for (let b = 0; b < n; b++) {
    const i = at[b]!;
    const row = rows[i]!;
    inputs.set(data.inputs.subarray(row * width, (row + 1) * width), b * width);
    for (let k = 0; k < outputs; k++) {
      const weight = weights[i * outputs + k]! * rowWeights[b]!;
      cell[b * outputs + k] = weight;
      labels[b * outputs + k] = weight === 0 ? 0 : data.labels[row * outputs + k]!;
    }
  }
  return {
    inputs: float32(inputs, [n, width]),
    labels: float32(labels, [n, outputs]),
    weights: float32(cell, [n, outputs]),
  };
}

function maskFeeds({ branches }: Network, rng: Rng, n: number, rate: number): Feeds {
  return Object.fromEntries(
    branches
      .flatMap((branch) => branch.masks)
      .map(({ name, shape }) => {
        const dims = [n, ...shape];
        const size = dims.reduce((product, dim) => product * dim, 1);
        return [name, float32(rng.dropoutMask(size, rate), dims)];
      }),
  );
}
