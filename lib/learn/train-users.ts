import type { Config } from '../config/index.ts';
import { canonicalJson, DataError, formatDay, parseDay } from '../data/index.ts';
import { featureNames } from '../features/index.ts';
import {
  fitInputs,
  fitPropensity,
  type Head,
  type Parameters,
  type PropensityShape,
  pretrainEncoder,
  predictPropensity,
  scoringModel,
  TOKEN_FIELDS,
  type TokenVocabulary,
  tokenIds,
  withValues,
} from '../models/index.ts';
import { encodeModel } from '../onnx/index.ts';
import type { ModelFiles } from '../registry/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { type CurvePoint, createRng, logLoss } from '../train/index.ts';
import type { TaskGroup } from '../run/index.ts';
import type { RunManifest } from '../run/index.ts';
import { groupMatrix } from './groups.ts';
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
  const length = config.features.tokens;
  progress('reading users');
  const surveyed = await survey(store, manifest, asOf, first);
  const { vocabulary, columns } = surveyed;
  const cutoffs = [...new Set([...grid, ...(timeSplit ? [validAt] : []), asOf])].sort((a, b) => a - b);
  const rows = await buildUserRows({
    store,
    manifest,
    tasks: group.tasks,
    cutoffs,
    survey: surveyed,
    length,
    limit: MAX_ROWS,
  });
  const selected = await select(config, heads, rows, timeSplit ? validAt : undefined, progress, vocabulary);
  progress(`fitting ${selected.candidate.name} on all cut-offs`);
  const final = await fitCandidate(config, heads, rows, vocabulary, selected.candidate, { known: asOf, steps: selected.steps, progress });
  const names = columns.map((j) => featureNames(config)[j]!);
  const groups = groupMatrix(final.shape.transform.kept.map((j) => names[j]!.group));
  // Users with few visits are scored in short batches: the number of visits is left open.
  const { sequence } = final.shape;
  const scoringShape = { ...final.shape, sequence: sequence && { ...sequence, length: 'length' as const } };
  const scoring = withValues(
    scoringModel(scoringShape, createRng(config.model.seed), groups),
    final.parameters,
  );
  const current = Int32Array.from({ length: rows.count }, (_, i) => i).filter((row) => rows.cutoff[row] === asOf);
  const description: UsersModelManifest = {
    kind: 'users',
    heads,
    sequence: sequence && { vocabulary, length },
    columns,
    groups: groups.names,
    trainedBefore: manifest.asOf!,
    rows: final.rows,
    curve: final.curve,
    pretraining: final.pretraining,
    selection: selected.notes,
    candidates: selected.losses,
    strengths: await featureStrengths(final.shape, final.parameters, rows, current, names),
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
  for (let c = asOf - cutoffEveryDays; c >= first + MIN_HISTORY_DAYS && grid.length < maxCutoffs; c -= cutoffEveryDays) {
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
function usable(config: Config, heads: readonly Head[], rows: UserRows, known: number, test: (row: number) => boolean): Usable {
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

async function select(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  validAt: number | undefined,
  progress: Progress,
  vocabulary: TokenVocabulary,
) {
  const losses: { name: string; loss: number }[] = [];
  const notes: string[] = [];
  const candidates = CANDIDATES.filter(({ sequence }) => !sequence || config.model.layers > 0);
  let best: { candidate: Candidate; steps: number; loss: number } | undefined;
  // Without enough closed cut-offs a fold of users is held out instead, over all cut-offs.
  const asOf = Math.max(...rows.cutoff);
  const known = validAt ?? asOf;
  const heldOut = (row: number) => (validAt === undefined ? rows.unit[row]! % 0.2 < 0.04 : rows.cutoff[row] === validAt);
  const validation = Int32Array.from({ length: rows.count }, (_, i) => i).filter(heldOut);
  for (const candidate of candidates) {
    progress(`choosing: ${candidate.name}`);
    const fitted = await fitCandidate(config, heads, rows, vocabulary, candidate, {
      known,
      steps: config.training.steps,
      progress,
      without: heldOut,
    });
    const loss = await outcomeLoss(config, heads, rows, validation, fitted);
    losses.push({ name: candidate.name, loss });
    if (!best || loss < best.loss - WORTH) best = { candidate, steps: config.training.steps, loss };
  }
  notes.push(
    validAt === undefined
      ? 'Too few closed cut-offs for a later slice: a fifth of the users was held out.'
      : `Validated on the cut-off ${formatDay(validAt)}, whose windows were closed by the as-of day; everything was fitted on what was known by then.`,
    `Kept: ${best!.candidate.name} (held-out loss ${losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ')}).`,
  );
  return { candidate: best!.candidate, steps: best!.steps, losses, notes };
}

interface Fitted {
  readonly shape: PropensityShape;
  readonly parameters: Parameters;
  readonly rows: number;
  readonly curve: CurvePoint[];
  readonly pretraining: CurvePoint[];
}

/** Fits one candidate on what was known on a day: inputs, pretraining and weights alike. */
async function fitCandidate(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  vocabulary: TokenVocabulary,
  candidate: Candidate,
  options: { known: number; steps: number; progress: Progress; without?: (row: number) => boolean },
): Promise<Fitted> {
  const { model, training } = config;
  const { known, steps, progress, without = () => false } = options;
  const used = usable(config, heads, rows, known, (row) => !without(row));
  const { width } = rows;
  const chosen = new Float32Array(used.rows.length * width);
  used.rows.forEach((row, i) => chosen.set(rows.features.subarray(row * width, (row + 1) * width), i * width));
  const length = config.features.tokens;
  const shape: PropensityShape = {
    features: width,
    transform: fitInputs(chosen, width),
    heads,
    mlp: candidate.mlp ? { hidden: model.hidden, layers: 2, members: model.members } : null,
    sequence: candidate.sequence
      ? { ids: tokenIds(vocabulary), width: model.width, layers: model.layers, heads: model.heads, length }
      : null,
  };
  let initial: Parameters = {};
  let pretraining: CurvePoint[] = [];
  if (shape.sequence) {
    const before = Int32Array.from({ length: rows.count }, (_, i) => i).filter(
      (row) => rows.cutoff[row]! <= known && !without(row),
    );
    const stride = length * TOKEN_FIELDS;
    const sequences = new Int32Array(before.length * stride);
    before.forEach((row, i) => sequences.set(rows.tokens.subarray(row * stride, (row + 1) * stride), i * stride));
    const result = await pretrainEncoder(sequences, Int32Array.from(before, (row) => rows.visits[row]!), length, vocabulary, shape.sequence, {
      steps: training.pretrainSteps,
      batchSize: training.batchSize,
      learningRate: training.learningRate,
      threads: training.threads,
      seed: model.seed,
      onProgress: (step, of, loss) => progress(`pretraining: step ${step} of ${of}, loss ${loss.toFixed(3)}`),
    });
    initial = result.parameters;
    pretraining = result.curve;
  }
  const fitted = await fitPropensity(shape, rows, used.rows, used.weights, {
    steps,
    batchSize: training.batchSize,
    learningRate: training.learningRate,
    weightDecay: training.weightDecay,
    priorVariance: 0.003,
    dropout: 0,
    threads: training.threads,
    seed: model.seed,
    onProgress: (step, of, loss) => progress(`${candidate.name}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
  }, initial);
  return { shape, parameters: fitted.parameters, rows: used.rows.length, curve: fitted.curve, pretraining };
}

/** Mean over the tasks of the log loss of whole windows. */
async function outcomeLoss(
  config: Config,
  heads: readonly Head[],
  rows: UserRows,
  at: Int32Array,
  { shape, parameters }: Fitted,
): Promise<number> {
  const logits = await predictPropensity(shape, parameters, rows, at, config.training.threads);
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

