import { trainingGraph } from '../../../engine/autodiff/index.ts';
import { createRng, type Feeds, float32, int32, type Rng, TrainError } from '../../../engine/host/index.ts';
import { encodeModel, type Graph, specialise } from '../../../engine/onnx/index.ts';
import {
  type Batch,
  type BatchSource,
  type CurvePoint,
  cosineSchedule,
  type FitStore,
  fitProgram,
  openSession,
  shuffledBatches,
  type TrainingProgram,
} from '../../../engine/train/index.ts';
import { bins, type PropensityShape, scoringModel, trainingModel } from './graph.ts';
import { TOKEN_TABLE } from './visits/sequence.ts';
import { pickTexts, type TextData, textFeeds } from './texts/feeds.ts';
import { type TextBatchShape, type TextTuning, textBatchShapes, tunedFeeds } from './texts/tuning.ts';
import { TOKEN_FIELDS } from './visits/visit-ids.ts';

/** Rows as the propensity model learns from them. */
export interface PropensityData {
  /** (count, kept), transformed. */
  readonly inputs: Float32Array;
  /** (count, length, TOKEN_FIELDS), for models with a sequence. */
  readonly tokens?: Int32Array;
  /** For models that read texts. */
  readonly text?: TextData | undefined;
  /** (count, bins). */
  readonly labels: Float32Array;
}

/** Rows as the scoring graph reads them. */
export interface RawRows {
  /** (count, width) raw features. */
  readonly features: Float32Array;
  readonly width: number;
  /** (count, length, TOKEN_FIELDS), for models with a sequence. */
  readonly tokens?: Int32Array;
  /** For models that read texts. */
  readonly text?: TextData | undefined;
}

export interface PropensityTraining {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** On the weights of MLP and sequence. */
  readonly weightDecay: number;
  /** Penalty on the linear part as the variance of a normal prior over its standardised weights. */
  readonly priorVariance: number;
  readonly dropout: number;
  readonly threads: number;
  readonly seed: number;
  readonly onProgress?: (step: number, of: number, loss: number) => void;
  /** Keeps the fit for a training that is started again. */
  readonly fits?: FitStore | undefined;
  /** Trains the text encoder too: its vectors are computed from the texts, not taken from the data. */
  readonly tuning?: TextTuning | undefined;
}

export type Parameters = Readonly<Record<string, Float32Array>>;

export interface PropensityFit {
  readonly parameters: Parameters;
  readonly curve: CurvePoint[];
}

/**
 * Trains a propensity model on some rows of the data.
 * @param rows row numbers
 * @param weights (rows.length, bins): 0 where an outcome must not be used
 * @param initial values of some parameters by name, such as a pretrained encoder's
 */
export async function fitPropensity(
  shape: PropensityShape,
  data: PropensityData,
  rows: Int32Array,
  weights: Float32Array,
  training: PropensityTraining,
  initial: Parameters = {},
): Promise<PropensityFit> {
  const outputs = bins(shape);
  const rng = createRng(training.seed);
  const effective = weights.reduce((sum, w) => sum + Number(w > 0), 0) / outputs;
  const linearL2 = 1 / (2 * training.priorVariance * Math.max(effective, 1));
  const batch = Math.min(training.batchSize, Math.max(8, rows.length));
  const { tuning } = training;
  const model = trainingModel(
    shape,
    rng.fork('init'),
    { linearL2, dropout: training.dropout },
    tuning?.graph,
  );
  // What is given goes before the base rates: a model that goes on from a fitted one keeps its biases.
  const started = withValues(withPriors(model, shape, data, rows, weights), initial);
  const most = batch * (shape.text?.places ?? 0);
  const shapes = tuning ? textBatchShapes(most, tuning) : [];
  const program = tuning
    ? tunedProgram(started, shape, tuning, batch, shapes)
    : compiled(specialise(started, { batch, ...(shape.text ? { texts: most } : {}) }), shape);
  const { steps, seed } = training;
  const dropout = rng.fork('dropout');
  const make = (at: Int32Array, w: Float32Array, step: number) =>
    feeds(
      shape,
      data,
      rows,
      weights,
      at,
      w,
      training.dropout > 0 ? dropout.fork(`${step}`) : undefined,
      training.dropout,
      tuning && ((chosen) => tunedFeeds(shape.text!, data.text!.texts, chosen, tuning, shapes)),
    );
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
      settings: { seed, dropout: training.dropout },
      arrays: [
        data.inputs,
        data.labels,
        ...(shape.sequence ? [data.tokens!] : []),
        rows,
        weights,
        ...(shape.text ? [data.text!.texts, tuning ? tuning.pieces.ids : data.text!.vectors] : []),
      ],
    },
    steps,
    lr: training.learningRate,
    schedule: cosineSchedule({ warmup: Math.min(50, Math.ceil(steps / 10)) }),
    onProgress: ({ step, of, loss }) => training.onProgress?.(step, of, loss),
    fits: training.fits,
  });
}

/** The training program of a graph of fixed sizes. @param wrt parameters that are trained; default: all */
function compiled(graph: Graph, shape: PropensityShape, wrt?: readonly string[]): TrainingProgram {
  const rows = shape.sequence ? [TOKEN_TABLE] : [];
  const {
    rowGradientOutputs,
    inputGradientOutputs: _,
    ...program
  } = trainingGraph(graph, {
    loss: 'loss',
    rows,
    ...(wrt ? { wrt: wrt.filter((name) => !rows.includes(name)) } : {}),
  });
  const rowGradients = Object.fromEntries(
    Object.entries(rowGradientOutputs).map(([name, out]) => [name, [out]]),
  );
  return { ...program, rowGradients };
}

/** The same for a model with its text encoder, one variant for each number of texts of a batch. */
function tunedProgram(
  model: Graph,
  shape: PropensityShape,
  tuning: TextTuning,
  batch: number,
  shapes: readonly TextBatchShape[],
): TrainingProgram {
  const encoder = new Set(tuning.graph.parameters.map(({ name }) => name));
  for (const name of tuning.train) encoder.delete(name);
  const trained = model.parameters.map(({ name }) => name).filter((name) => !encoder.has(name));
  const programs = shapes.map(({ texts, pieces }) =>
    compiled(specialise(model, { batch, texts, pieces }), shape, trained),
  );
  return {
    ...programs[0]!,
    variants: Object.fromEntries(shapes.map(({ variant }, i) => [variant, programs[i]!.model])),
  };
}

/** Starts the linear part's biases at the base rates, so that the first steps are not spent on them. */
function withPriors(
  graph: Graph,
  shape: PropensityShape,
  data: PropensityData,
  rows: Int32Array,
  weights: Float32Array,
): Graph {
  const outputs = bins(shape);
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

/** The graph with some parameters' values replaced. Names that it does not have are ignored. */
export function withValues(graph: Graph, values: Parameters): Graph {
  const parameters = graph.parameters.map((p) => {
    const data = values[p.name];
    return data?.length === p.data.length ? { ...p, data } : p;
  });
  return { ...graph, parameters };
}

function feeds(
  shape: PropensityShape,
  data: PropensityData,
  rows: Int32Array,
  weights: Float32Array,
  at: Int32Array,
  rowWeights: Float32Array,
  rng: Rng | undefined,
  rate: number,
  tuned: ((rows: Int32Array) => Feeds) | undefined,
): Feeds {
  const n = at.length;
  const outputs = bins(shape);
  const width = shape.transform.kept.length;
  const inputs = new Float32Array(n * width);
  const labels = new Float32Array(n * outputs);
  const cell = new Float32Array(n * outputs);
  const stride = visitsOf(shape) * TOKEN_FIELDS;
  const tokens = new Int32Array(n * stride);
  for (let b = 0; b < n; b++) {
    const i = at[b]!;
    const row = rows[i]!;
    inputs.set(data.inputs.subarray(row * width, (row + 1) * width), b * width);
    if (stride > 0) tokens.set(data.tokens!.subarray(row * stride, (row + 1) * stride), b * stride);
    for (let k = 0; k < outputs; k++) {
      const weight = weights[i * outputs + k]! * rowWeights[b]!;
      cell[b * outputs + k] = weight;
      labels[b * outputs + k] = weight === 0 ? 0 : data.labels[row * outputs + k]!;
    }
  }
  const chosen = Int32Array.from(at, (i) => rows[i]!);
  const masks = rng && shape.mlp ? shape.mlp : undefined;
  return {
    inputs: float32(inputs, [n, width]),
    labels: float32(labels, [n, outputs]),
    weights: float32(cell, [n, outputs]),
    ...(shape.sequence ? { tokens: int32(tokens, [n, visitsOf(shape), TOKEN_FIELDS]) } : {}),
    ...(tuned ? tuned(chosen) : batchTexts(shape, data.text, chosen, true)),
    ...Object.fromEntries(
      Array.from({ length: masks?.layers ?? 0 }, (_, layer) => {
        const dims = [n, masks!.members, masks!.hidden];
        return [
          `dropout.${layer}`,
          float32(rng!.dropoutMask(n * masks!.members * masks!.hidden, rate), dims),
        ];
      }),
    ),
    ...(rng && shape.text
      ? { 'dropout.text': float32(rng.dropoutMask(n * shape.text.width, rate), [n, shape.text.width]) }
      : {}),
  };
}

/** What a batch of rows reads of texts; training wants a table of fixed size. */
export function batchTexts(
  { text }: PropensityShape,
  data: TextData | undefined,
  rows: Int32Array,
  fixed = false,
): Feeds {
  if (!text) return {};
  if (!data) throw new TrainError('a model that reads texts needs rows with texts');
  const size = fixed ? rows.length * text.places : undefined;
  return textFeeds(text, pickTexts(text, data.texts, rows), data.vectors, size);
}

/** Visits per row; 0 without a sequence. Training needs a fixed number. */
function visitsOf({ sequence }: PropensityShape): number {
  if (sequence?.length === 'length') throw new TrainError('training needs a fixed number of visits per row');
  return sequence?.length ?? 0;
}

/** Rows in one evaluation run: bounds memory. */
const EVALUATED = 1024;

/**
 * Logits of the tasks for some rows.
 * @returns (rows.length, tasks)
 */
export async function predictPropensity(
  shape: PropensityShape,
  parameters: Parameters,
  data: RawRows,
  rows: Int32Array,
  threads: number,
): Promise<Float32Array> {
  const model = withValues(scoringModel(shape, createRng(0)), parameters);
  const session = await openSession(encodeModel(model, { parametersAs: 'initializers' }), { threads });
  const tasks = shape.heads.length;
  const stride = visitsOf(shape) * TOKEN_FIELDS;
  const logits = new Float32Array(rows.length * tasks);
  try {
    for (let start = 0; start < rows.length; start += EVALUATED) {
      const part = rows.subarray(start, start + EVALUATED);
      const features = new Float32Array(part.length * data.width);
      const tokens = new Int32Array(part.length * stride);
      part.forEach((row, b) => {
        features.set(data.features.subarray(row * data.width, (row + 1) * data.width), b * data.width);
        if (stride > 0) tokens.set(data.tokens!.subarray(row * stride, (row + 1) * stride), b * stride);
      });
      const output = await session.run({
        features: float32(features, [part.length, data.width]),
        ...(shape.sequence ? { tokens: int32(tokens, [part.length, visitsOf(shape), TOKEN_FIELDS]) } : {}),
        ...batchTexts(shape, data.text, part),
      });
      logits.set(output.logits!.data as Float32Array, start * tasks);
    }
    return logits;
  } finally {
    await session.close();
  }
}
