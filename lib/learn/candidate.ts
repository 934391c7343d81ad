import type { Config } from '../config/index.ts';
import { DataError } from '../data/index.ts';
import {
  fitColumns,
  fitInputs,
  fitPropensity,
  type Head,
  type InputColumns,
  type InputTransform,
  type Parameters,
  type PropensityShape,
  predictPropensity,
  pretrainEncoder,
  type SequenceShape,
  TOKEN_FIELDS,
  tokenIds,
  writeInputs,
} from '../models/index.ts';
import { type CurvePoint, type FitStore, logLoss } from '../train/index.ts';
import { binEnds, type Survey, type UserRows, userTask } from './user-rows.ts';

/** Older cut-offs count less, by half every so many days: shops drift. */
const RECENCY_HALF_LIFE = 60;

/** Tells how far a training is. */
export type Progress = (text: string) => void;

/** Branches of a candidate model. */
export interface Candidate {
  readonly name: string;
  readonly mlp: boolean;
  readonly sequence: boolean;
}

/** Which rows a fit may use, and how much each of their bins counts. */
interface Usable {
  readonly rows: Int32Array;
  readonly weights: Float32Array;
}

/** Rows of cut-offs before `known`, with the bins that were over by then, recent cut-offs first in weight. */
function usable(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  known: number,
  test: (row: number) => boolean,
): Usable {
  const ends = binEnds(config, heads);
  const chosen: number[] = [];
  const weights: number[] = [];
  for (let row = 0; row < rows.count; row++) {
    const cutoff = rows.cutoff[row]!;
    if (cutoff >= known || !test(row)) continue;
    const recency = 2 ** (-(known - cutoff) / RECENCY_HALF_LIFE);
    const own = ends.map((end, k) =>
      cutoff + end <= known && !Number.isNaN(rows.labels[row * ends.length + k]!) ? recency : 0,
    );
    if (own.every((w) => w === 0)) continue;
    chosen.push(row);
    weights.push(...own);
  }
  const mean = weights.reduce((sum, w) => sum + w, 0) / Math.max(1, weights.filter((w) => w > 0).length);
  return { rows: Int32Array.from(chosen), weights: Float32Array.from(weights, (w) => w / (mean || 1)) };
}

/** What a fit works on. */
export interface Material {
  readonly config: Config;
  readonly heads: readonly Head[];
  readonly rows: UserRows;
  readonly survey: Survey;
  /** Visits of a row that the sequence branch reads. */
  readonly length: number;
  readonly progress: Progress;
  readonly fits?: FitStore | undefined;
}

export interface Fitted {
  readonly shape: PropensityShape;
  readonly parameters: Parameters;
  /** As the shape's sequence reads them. */
  readonly tokens: Int32Array;
  readonly rows: number;
  readonly curve: CurvePoint[];
  readonly pretraining: CurvePoint[];
}

/** Passes over the rows; rows of one user at many cut-offs are far from independent, so more would overfit. */
const EPOCHS = 12;
/** Passes over the users, where each has few rows. */
const USER_EPOCHS = 64;
/** Rows of a batch that has visits: each costs as much as its visits. */
const SEQUENCE_BATCH = 128;
/** The sequence branch goes on from the fitted others for this share of their steps. */
const SEQUENCE_SHARE = 0.25;
/** Variance of the normal prior over the standardised linear weights, and the MLP's dropout. */
const PRIOR_VARIANCE = 1 / 300;
const DROPOUT = 0.2;

/** Fits one candidate on what was known on a day: inputs, pretraining and weights alike. */
export async function fitCandidate(
  material: Material,
  candidate: Candidate,
  options: { known: number; without?: (row: number) => boolean; plain?: Fitted | undefined },
): Promise<Fitted> {
  const { config, heads, rows, progress, fits } = material;
  const { model, training } = config;
  const { known, without = () => false } = options;
  const used = usable(config, heads, rows, known, (row) => !without(row));
  const users = new Set(Array.from(used.rows, (row) => rows.unit[row]!)).size;
  const epochs = Math.max(EPOCHS, Math.round((USER_EPOCHS * users) / used.rows.length));
  const steps = Math.min(
    training.steps,
    Math.max(50, Math.floor((epochs * used.rows.length) / training.batchSize)),
  );
  const settings = {
    batchSize: training.batchSize,
    learningRate: training.learningRate,
    weightDecay: training.weightDecay,
    priorVariance: PRIOR_VARIANCE,
    dropout: DROPOUT,
    threads: training.threads,
    seed: model.seed,
    onProgress: (step: number, of: number, loss: number) =>
      progress(`${candidate.name}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
    fits,
  };
  const columns = fitColumns(rows.features, rows.width, used.rows);
  const { inputs, transform } = standardise(rows, columns, used.rows, known);
  const shape: PropensityShape = {
    features: rows.width,
    transform,
    heads,
    mlp: candidate.mlp ? { hidden: model.hidden, layers: 2, members: model.members } : null,
    sequence: null,
  };
  const plain =
    options.plain?.shape.mlp && candidate.sequence
      ? options.plain
      : await fitPropensity(shape, { inputs, labels: rows.labels }, used.rows, used.weights, {
          ...settings,
          steps,
        });
  const fitted = {
    shape,
    rows: used.rows.length,
    curve: plain.curve,
    pretraining: [],
    tokens: new Int32Array(0),
  };
  const seen = seenBins(heads, used);
  if (!candidate.sequence)
    return { ...fitted, parameters: withUnseenBins(shape, plain.parameters, heads, seen) };
  const tokens = lastVisits(rows, config.features.tokens, material.length);
  const sequence = {
    ids: tokenIds(material.survey.vocabulary),
    width: model.width,
    layers: model.layers,
    heads: model.heads,
    length: material.length,
  };
  const pretrained = await pretrain(
    material,
    tokens,
    sequence,
    (row) => rows.cutoff[row]! <= known && !without(row),
  );
  const joint = await fitPropensity(
    { ...shape, sequence },
    { inputs, labels: rows.labels, tokens },
    used.rows,
    used.weights,
    {
      ...settings,
      batchSize: Math.min(SEQUENCE_BATCH, training.batchSize),
      steps: Math.max(50, Math.floor(steps * SEQUENCE_SHARE)),
      learningRate: settings.learningRate / 2,
    },
    { ...plain.parameters, ...pretrained.parameters },
  );
  return {
    ...fitted,
    shape: { ...shape, sequence },
    parameters: withUnseenBins({ ...shape, sequence }, joint.parameters, heads, seen),
    curve: [...plain.curve, ...joint.curve.map((point) => ({ ...point, step: point.step + steps }))],
    pretraining: pretrained.curve,
    tokens,
  };
}

/** Which outputs have an outcome to learn from. @throws DataError when a task has none at all */
function seenBins(heads: readonly Head[], { weights }: Usable): boolean[] {
  const outputs = heads.reduce((sum, { bins }) => sum + bins, 0);
  const seen = new Array<boolean>(outputs).fill(false);
  weights.forEach((weight, i) => {
    if (weight > 0) seen[i % outputs] = true;
  });
  let first = 0;
  for (const { task, bins } of heads) {
    if (!seen.slice(first, first + bins).includes(true)) {
      throw new DataError(
        `task ${task} has no outcome to learn from before the as-of day: choose a later one, or a shorter horizonDays`,
      );
    }
    first += bins;
  }
  return seen;
}

/** Parts of a window that are never over in the data take the hazard of the part before them. */
function withUnseenBins(
  shape: PropensityShape,
  parameters: Parameters,
  heads: readonly Head[],
  seen: readonly boolean[],
): Parameters {
  const outputs = seen.length;
  const source = seen.map((_, k) => k);
  let first = 0;
  for (const { bins } of heads) {
    const known = seen.indexOf(true, first);
    for (let k = first; k < first + bins; k++) source[k] = seen[k] ? k : k < known ? known : source[k - 1]!;
    first += bins;
  }
  if (source.every((from, k) => from === k)) return parameters;
  const perOutput = [
    'linear.weight',
    'linear.bias',
    ...(shape.mlp ? ['mlp.head.weight', 'mlp.head.bias'] : []),
    ...(shape.sequence ? ['sequence.head'] : []),
  ];
  // Outputs are the last axis of each of these.
  const copied = perOutput.map((name) => {
    const data = parameters[name]!;
    return [name, data.map((_, i) => data[i - (i % outputs) + source[i % outputs]!]!)] as const;
  });
  return { ...parameters, ...Object.fromEntries(copied) };
}

/** Cut-offs with fewer users than this take the statistics of all training rows. */
const FEWEST = 100;

/**
 * The inputs of the training rows, each by the statistics of its own cut-off, and the transform of the day that is to be
 * scored, by the statistics of the users known then. Statistics are of features alone: no label takes part.
 */
function standardise(rows: UserRows, columns: InputColumns, used: Int32Array, day: number) {
  const { features, width } = rows;
  const all = Int32Array.from({ length: rows.count }, (_, i) => i);
  const overall = fitInputs(features, width, used, columns);
  const at = (cutoff: number) => {
    const own = all.filter((row) => rows.cutoff[row] === cutoff);
    return own.length < FEWEST ? overall : fitInputs(features, width, own, columns);
  };
  const transforms = new Map<number, InputTransform>();
  const kept = columns.kept.length;
  const inputs = new Float32Array(rows.count * kept);
  for (const row of used) {
    const cutoff = rows.cutoff[row]!;
    let transform = transforms.get(cutoff);
    if (!transform) transforms.set(cutoff, (transform = at(cutoff)));
    writeInputs(features, row * width, transform, inputs, row * kept);
  }
  return { inputs, transform: at(day) };
}

async function pretrain(
  { config, rows, survey, length, progress, fits }: Material,
  tokens: Int32Array,
  shape: SequenceShape,
  test: (row: number) => boolean,
) {
  const { model, training } = config;
  const before = Int32Array.from({ length: rows.count }, (_, i) => i).filter(test);
  const stride = length * TOKEN_FIELDS;
  const sequences = new Int32Array(before.length * stride);
  before.forEach((row, i) => {
    sequences.set(tokens.subarray(row * stride, (row + 1) * stride), i * stride);
  });
  const visits = Int32Array.from(before, (row) => Math.min(length, rows.visits[row]!));
  return pretrainEncoder(sequences, visits, length, survey.vocabulary, shape, {
    steps: training.pretrainSteps,
    batchSize: Math.min(SEQUENCE_BATCH, training.batchSize),
    learningRate: training.learningRate,
    threads: training.threads,
    seed: model.seed,
    onProgress: (step, of, loss) => progress(`pretraining: step ${step} of ${of}, loss ${loss.toFixed(3)}`),
    fits,
  });
}

/** The smallest of the usual lengths that holds all visits of nine rows in ten: padding costs as much as visits. */
export function usualLength(rows: UserRows, longest: number): number {
  const visits = Int32Array.from(rows.visits).sort();
  const most = visits[Math.floor(visits.length * 0.9)] ?? 1;
  return Math.min(longest, [8, 16, 32, 64, 128, 256, 512].find((length) => length >= most) ?? longest);
}

/** Token rows cut to their last `length` visits. */
function lastVisits(rows: UserRows, from: number, length: number): Int32Array {
  if (length === from) return rows.tokens;
  const out = new Int32Array(rows.count * length * TOKEN_FIELDS);
  for (let row = 0; row < rows.count; row++) {
    const first = Math.max(0, rows.visits[row]! - length);
    const start = (row * from + first) * TOKEN_FIELDS;
    const visits = Math.min(length, rows.visits[row]!);
    out.set(rows.tokens.subarray(start, start + visits * TOKEN_FIELDS), row * length * TOKEN_FIELDS);
  }
  return out;
}

/**
 * Mean over the tasks of the log loss of whole windows.
 * @param through windows that are not over by this day do not count
 */
export async function outcomeLoss(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  { shape, parameters, tokens }: Fitted,
  through: number,
): Promise<number> {
  const logits = await predictPropensity(shape, parameters, { ...rows, tokens }, at, config.training.threads);
  const losses = heads.map(({ task }, t) => {
    const { horizonDays } = userTask(config, task);
    const labels: number[] = [];
    const probabilities: number[] = [];
    at.forEach((row, i) => {
      const outcome = rows.outcomes[row * heads.length + t]!;
      if (Number.isNaN(outcome) || rows.cutoff[row]! + horizonDays > through) return;
      labels.push(outcome);
      probabilities.push(1 / (1 + Math.exp(-logits[i * heads.length + t]!)));
    });
    return labels.length > 0 ? logLoss(labels, probabilities) : 0;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
