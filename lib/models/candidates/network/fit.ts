import { createRng, type Feeds, float32, type Rng } from '../../../engine/host/index.ts';
import { type Graph, specialise } from '../../../engine/onnx/index.ts';
import {
  type Batch,
  type BatchSource,
  type CurvePoint,
  cosineSchedule,
  type FitStore,
  fitProgram,
  type OptimiserOptions,
  shuffledBatches,
} from '../../../engine/train/index.ts';
import { bins } from '../heads.ts';
import { judgedBy, keepAside } from './aside.ts';
import { batchOf, type LearntRows, type WeightedRows } from './batch.ts';
import { textsOf } from './branches/index.ts';
import { type Network, trainingModel } from './graph.ts';
import { type ParameterValues, withValues } from './parameters.ts';
import { compiled, tunedProgram } from './program.ts';
import { type TextTuning, textBatchShapes, tunedFeeds } from './texts/tuning.ts';

export interface NetworkTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Beside the decay, which is told by itself. */
  readonly optimiser: OptimiserOptions;
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
 * Trains a network on some rows of the data. Where they are of many groups it learns from most of them, and keeps the
 * parameters that were best on the others, see `keepAside`; not so with a text encoder in the graph, where every look
 * would encode texts.
 * @param initial values of some parameters by name, such as a pretrained encoder's
 */
export async function fitNetwork(
  network: Network,
  data: LearntRows,
  given: WeightedRows,
  training: NetworkTraining,
  initial: ParameterValues = {},
): Promise<{ readonly parameters: ParameterValues; readonly curve: CurvePoint[] }> {
  const rng = createRng(training.seed);
  const { tuning, steps, seed, dropout: rate } = training;
  const outputs = bins(network);
  const split = tuning ? undefined : keepAside(given, data.groups, outputs, seed);
  const learnt = split?.learnt ?? given;
  const { rows, weights } = learnt;
  const effective = weights.reduce((sum, w) => sum + Number(w > 0), 0) / outputs;
  const linearL2 = 1 / (2 * training.priorVariance * Math.max(effective, 1));
  const batch = Math.min(training.batchSize, Math.max(8, rows.length));
  const { branches } = network;
  const model = trainingModel(network, rng.fork('init'), { linearL2, dropout: rate }, tuning?.graph);
  // What is given goes before the base rates: a model that goes on from a fitted one keeps its biases.
  const started = withValues(withPriors(model, network, data, learnt), initial);
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
    return Object.assign(batchOf(network, data, learnt, at, w), masks, ...own);
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
  const { evaluation, ...judging } = split
    ? judgedBy(network, data, split.aside, { batch, sizes, steps })
    : { evaluation: undefined };
  return fitProgram({
    program: evaluation ? { ...program, evaluation } : program,
    ...judging,
    threads: training.threads,
    optimiser: {
      ...training.optimiser,
      weightDecay: training.weightDecay,
      // The linear part has its own penalty, and the members' signs and scales are no weights to shrink.
      group: ({ name, shape: dims }) => ({
        decay: dims.length >= 2 && !name.startsWith('linear.') && /weight$|head|table/.test(name),
      }),
    },
    batches,
    madeFrom: {
      settings: { seed, dropout: rate },
      arrays: [
        data.inputs,
        data.labels,
        rows,
        weights,
        ...(split ? Object.values(split.aside) : []),
        ...content,
      ],
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
  { rows, weights }: WeightedRows,
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
    // A number's mean is 0; the softmax of the logarithms of shares are the shares.
    if (network.answers === 'one-of') bias[k] = Math.log(positive / total);
    else if (!network.answers) bias[k] = Math.log(positive / (total - positive));
  }
  return withValues(graph, { 'linear.bias': bias });
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
