import type { Config } from '../config/index.ts';
import { canonicalJson, DataError, formatDay, parseDay } from '../data/index.ts';
import { type AttributeEncoder, featureNames } from '../features/index.ts';
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
  scoringModel,
  TOKEN_FIELDS,
  type TokenVocabulary,
  tokenIds,
  withValues,
  writeInputs,
} from '../models/index.ts';
import { encodeModel } from '../onnx/index.ts';
import type { ModelFiles } from '../registry/index.ts';
import type { RunManifest, TaskGroup } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { type CurvePoint, createRng, logLoss } from '../train/index.ts';
import { groupMatrix } from './groups.ts';
import { profileNames } from './profiles.ts';
import { featureStrengths } from './strength.ts';
import { binEnds, buildUserRows, survey, type UserRows, userHeads, userTask } from './user-rows.ts';

/** Rows that training holds at most; with more, users are sampled by their hash. */
const MAX_ROWS = 120_000;
/** A cut-off needs this much history before it to tell users apart. */
const MIN_HISTORY_DAYS = 14;
/** Older cut-offs count less, by half every so many days: shops drift. */
const RECENCY_HALF_LIFE = 60;
/** A branch must lower the validation loss by this much to be kept. */
const WORTH = 0.0005;

/** What `manifest.json` of a users model says. Everything that scoring needs beside the graph stands in it. */
export interface UsersModelManifest {
  readonly kind: 'users';
  readonly heads: readonly Head[];
  /** Null where the model reads no visits. */
  readonly sequence: { readonly vocabulary: TokenVocabulary; readonly length: number } | null;
  /** Columns of the feature vector that the graph takes, in its order. */
  readonly columns: readonly number[];
  /** What follows them: what is said of users. */
  readonly profile: AttributeEncoder | null;
  readonly groups: readonly string[];
  readonly trainedBefore: string;
  readonly rows: number;
  readonly curve: CurvePoint[];
  readonly pretraining: CurvePoint[];
  /** What was chosen on validation, one sentence each. */
  readonly selection: string[];
  /** Held-out loss of the candidates. */
  readonly candidates: { readonly name: string; readonly loss: number }[];
  /** Per head what moves its scores. */
  readonly strengths: Awaited<ReturnType<typeof featureStrengths>>;
}

export type Progress = (text: string) => void;

/** Branches of a candidate model. */
interface Candidate {
  readonly name: string;
  readonly mlp: boolean;
  readonly sequence: boolean;
}

const CANDIDATES: readonly Candidate[] = [
  { name: 'linear', mlp: false, sequence: false },
  { name: 'linear + MLP', mlp: true, sequence: false },
  { name: 'linear + MLP + sequence', mlp: true, sequence: true },
];

/**
 * Trains the model of the tasks over users from what was known before the as-of day: chooses branches and steps on
 * the latest cut-off whose windows are all closed, with everything fitted on what was known by that cut-off, then fits
 * again on all.
 */
export async function trainUsers(
  store: ObjectStore,
  manifest: RunManifest,
  group: TaskGroup,
  progress: Progress,
): Promise<ModelFiles> {
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const first = Math.min(...manifest.inputs.events.flatMap(({ minDay }) => minDay ?? []));
  const heads = userHeads(config, group.tasks);
  const horizon = Math.max(...group.tasks.map((name) => userTask(config, name).horizonDays));
  const grid = cutoffGrid(config, first, asOf);
  if (grid.length === 0) {
    throw new DataError(
      `no history to learn from: the first event is of ${formatDay(first)}, the as-of day ${manifest.asOf}; ` +
        `give at least ${MIN_HISTORY_DAYS + config.training.cutoffEveryDays} days of events before it`,
    );
  }
  const validAt = asOf - horizon;
  const timeSplit = grid.filter((c) => c < validAt).length >= 2;
  progress('reading users');
  const surveyed = await survey(store, manifest, asOf, first, timeSplit ? validAt : asOf);
  const { vocabulary, columns, profile } = surveyed;
  const cutoffs = [...new Set([...grid, ...(timeSplit ? [validAt] : []), asOf])].sort((a, b) => a - b);
  const rows = await buildUserRows({
    store,
    manifest,
    tasks: group.tasks,
    cutoffs,
    survey: surveyed,
    length: config.features.tokens,
    limit: MAX_ROWS,
  });
  const length = usualLength(rows, config.features.tokens);
  const material = { config, heads, rows, vocabulary, length, progress };
  const selected = await select(material, timeSplit ? validAt : undefined);
  progress(`fitting ${selected.candidate.name} on all cut-offs`);
  const final = await fitCandidate(material, selected.candidate, { known: asOf });
  const names = [...columns.map((j) => featureNames(config)[j]!), ...profileNames(profile)];
  const groups = groupMatrix(final.shape.transform.kept.map((j) => names[j]!.group));
  // Users with few visits are scored in short batches: the number of visits is left open.
  const { sequence } = final.shape;
  const scoringShape = { ...final.shape, sequence: sequence && { ...sequence, length: 'length' as const } };
  const scoring = withValues(
    scoringModel(scoringShape, createRng(config.model.seed), groups),
    final.parameters,
  );
  const current = Int32Array.from({ length: rows.count }, (_, i) => i).filter(
    (row) => rows.cutoff[row] === asOf,
  );
  const description: UsersModelManifest = {
    kind: 'users',
    heads,
    sequence: sequence && { vocabulary, length },
    columns,
    profile,
    groups: groups.names,
    trainedBefore: manifest.asOf!,
    rows: final.rows,
    curve: final.curve,
    pretraining: final.pretraining,
    selection: selected.notes,
    candidates: selected.losses,
    strengths: await featureStrengths(
      final.shape,
      final.parameters,
      { ...rows, tokens: final.tokens },
      current,
      names,
    ),
  };
  return {
    'model.onnx': encodeModel(scoring, { parametersAs: 'initializers' }),
    'manifest.json': new TextEncoder().encode(canonicalJson(description)),
  };
}

/** Training cut-offs: every so many days back from the as-of day, ascending, with some history before each. */
function cutoffGrid(config: Config, first: number, asOf: number): number[] {
  const { cutoffEveryDays, maxCutoffs } = config.training;
  const grid: number[] = [];
  for (
    let c = asOf - cutoffEveryDays;
    c >= first + MIN_HISTORY_DAYS && grid.length < maxCutoffs;
    c -= cutoffEveryDays
  ) {
    grid.push(c);
  }
  return grid.reverse();
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
interface Material {
  readonly config: Config;
  readonly heads: readonly Head[];
  readonly rows: UserRows;
  readonly vocabulary: TokenVocabulary;
  /** Visits of a row that the sequence branch reads. */
  readonly length: number;
  readonly progress: Progress;
}

interface Selected {
  readonly candidate: Candidate;
  readonly losses: { name: string; loss: number }[];
  readonly notes: string[];
}

/** Compares the candidates on a cut-off that lies after all they were fitted on, or on users held out. */
async function select(material: Material, validAt: number | undefined): Promise<Selected> {
  const { config, rows, progress } = material;
  const losses: { name: string; loss: number }[] = [];
  const candidates = CANDIDATES.filter(({ sequence }) => !sequence || config.model.layers > 0);
  // Without enough closed cut-offs a fold of users is held out instead, over all cut-offs.
  const known = validAt ?? Math.max(...rows.cutoff);
  const heldOut = (row: number) =>
    validAt === undefined ? rows.unit[row]! % 0.2 < 0.04 : rows.cutoff[row] === validAt;
  const validation = Int32Array.from({ length: rows.count }, (_, i) => i).filter(heldOut);
  let best: { candidate: Candidate; loss: number } | undefined;
  let plain: Fitted | undefined;
  for (const candidate of candidates) {
    progress(`choosing: ${candidate.name}`);
    const fitted = await fitCandidate(material, candidate, { known, without: heldOut, plain });
    if (!candidate.sequence) plain = fitted;
    const loss = await outcomeLoss(config, material.heads, rows, validation, fitted);
    losses.push({ name: candidate.name, loss });
    if (!best || loss < best.loss - WORTH) best = { candidate, loss };
  }
  const figures = losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ');
  const notes = [
    validAt === undefined
      ? 'Too few closed cut-offs for a later slice: a fifth of the users was held out.'
      : `Validated on the cut-off ${formatDay(validAt)}, whose windows were closed by the as-of day; everything was fitted on what was known by then.`,
    `Kept: ${best!.candidate.name} (held-out loss ${figures}).`,
  ];
  return { candidate: best!.candidate, losses, notes };
}

interface Fitted {
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
/** The sequence branch goes on from the fitted others for this share of their steps. */
const SEQUENCE_SHARE = 0.25;
/** Variance of the normal prior over the standardised linear weights, and the MLP's dropout. */
const PRIOR_VARIANCE = 1 / 300;
const DROPOUT = 0.2;

/** Fits one candidate on what was known on a day: inputs, pretraining and weights alike. */
async function fitCandidate(
  material: Material,
  candidate: Candidate,
  options: { known: number; without?: (row: number) => boolean; plain?: Fitted | undefined },
): Promise<Fitted> {
  const { config, heads, rows, progress } = material;
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
  if (!candidate.sequence) return { ...fitted, parameters: plain.parameters };
  const tokens = lastVisits(rows, config.features.tokens, material.length);
  const sequence = {
    ids: tokenIds(material.vocabulary),
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
      steps: Math.max(50, Math.floor(steps * SEQUENCE_SHARE)),
      learningRate: settings.learningRate / 2,
    },
    { ...plain.parameters, ...pretrained.parameters },
  );
  return {
    ...fitted,
    shape: { ...shape, sequence },
    parameters: joint.parameters,
    curve: [...plain.curve, ...joint.curve.map((point) => ({ ...point, step: point.step + steps }))],
    pretraining: pretrained.curve,
    tokens,
  };
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
  { config, rows, vocabulary, length, progress }: Material,
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
  return pretrainEncoder(sequences, visits, length, vocabulary, shape, {
    steps: training.pretrainSteps,
    batchSize: Math.min(256, training.batchSize),
    learningRate: training.learningRate,
    threads: training.threads,
    seed: model.seed,
    onProgress: (step, of, loss) => progress(`pretraining: step ${step} of ${of}, loss ${loss.toFixed(3)}`),
  });
}

/** The smallest of the usual lengths that holds all visits of nine rows in ten: padding costs as much as visits. */
function usualLength(rows: UserRows, longest: number): number {
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

/** Mean over the tasks of the log loss of whole windows. */
async function outcomeLoss(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  { shape, parameters, tokens }: Fitted,
): Promise<number> {
  const logits = await predictPropensity(shape, parameters, { ...rows, tokens }, at, config.training.threads);
  const losses = heads.map((_, t) => {
    const labels: number[] = [];
    const probabilities: number[] = [];
    at.forEach((row, i) => {
      const outcome = rows.outcomes[row * heads.length + t]!;
      if (Number.isNaN(outcome)) return;
      labels.push(outcome);
      probabilities.push(1 / (1 + Math.exp(-logits[i * heads.length + t]!)));
    });
    return labels.length > 0 ? logLoss(labels, probabilities) : 0;
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
