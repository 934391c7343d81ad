import type { Config } from '../../config/index.ts';
import { fitColumns, fitInputs, type InputColumns, type InputTransform, writeInputs } from '../candidates/inputs.ts';
import { fitPropensity, type PropensityTraining } from '../candidates/network/fit.ts';
import { type Head, type PropensityShape } from '../candidates/network/graph.ts';
import { TEXT_FIELDS, type TextShape } from '../candidates/network/texts/read.ts';
import { vectorStatistics } from '../candidates/network/texts/feeds.ts';
import type { Candidate, Fitted, Material } from './material.ts';
import type { UserRows } from './row-table.ts';
import { TEXT_KINDS } from './texts.ts';
import { mergedTexts, openTuning } from '../candidates/network/texts/tune.ts';
import { seenBins, withUnseenBins } from '../candidates/network/unseen-bins.ts';
import { binEnds } from './user-rows.ts';
import { SEQUENCE_BATCH, sequencePart } from './visits.ts';

/** Older cut-offs count less, by half every so many days: shops drift. */
const RECENCY_HALF_LIFE = 60;

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

/** Passes over the rows; rows of one user at many cut-offs are far from independent, so more would overfit. */
const EPOCHS = 12;
/** Passes over the users, where each has few rows. */
const USER_EPOCHS = 64;
/** The sequence branch goes on from the fitted others for this share of their steps. */
const SEQUENCE_SHARE = 0.25;
/** The text branch begins untrained and takes more. */
const TEXT_SHARE = 0.5;
/** Rows of a batch whose texts are encoded in every step. */
const TUNED_BATCH = 32;
/** Variance of the normal prior over the standardised linear weights, and the MLP's dropout. */
const PRIOR_VARIANCE = 1 / 300;
const DROPOUT = 0.2;

/** What decides a fit beside the candidate. */
export interface FitOptions {
  /** Everything is fitted on what was known by this day. */
  readonly known: number;
  /** Rows that are held out. */
  readonly without?: (row: number) => boolean;
  /** Candidates that were fitted on the same rows: those that go on from them take them. */
  readonly earlier?: readonly { readonly candidate: Candidate; readonly fitted: Fitted }[];
}

/** What a candidate goes on from: itself without the branch that it adds last. */
function baseOf(candidate: Candidate): Candidate | undefined {
  if (candidate.tuned) return { ...candidate, tuned: false };
  if (candidate.sequence) return { ...candidate, sequence: false };
  return candidate.text ? { ...candidate, text: false } : undefined;
}

const pretrainedBy = (earlier: NonNullable<FitOptions['earlier']>) =>
  earlier.find(({ fitted }) => fitted.pretrained)?.fitted.pretrained;

const sameBranches = (a: Candidate, b: Candidate) =>
  a.mlp === b.mlp && a.sequence === b.sequence && a.text === b.text && Boolean(a.tuned) === Boolean(b.tuned);

/** Fits one candidate on what was known on a day: inputs, pretraining and weights alike. */
export async function fitCandidate(
  material: Material,
  candidate: Candidate,
  options: FitOptions,
): Promise<Fitted> {
  const { config, heads, rows } = material;
  const { known, without = () => false } = options;
  const used = usable(config, heads, rows, known, (row) => !without(row));
  const columns = fitColumns(rows.features, rows.width, used.rows);
  const part = { material, used, standard: standardise(rows, columns, used.rows, known), options };
  const fitted = await fitBranches(part, candidate, candidate.name);
  const seen = seenBins(heads, used.weights);
  return { ...fitted, parameters: withUnseenBins(fitted.shape, fitted.parameters, heads, seen) };
}

interface Part {
  readonly material: Material;
  readonly used: Usable;
  readonly standard: ReturnType<typeof standardise>;
  readonly options: FitOptions;
}

/** Fits a candidate branch by branch: each goes on from the fitted others. @param name whose progress is told */
async function fitBranches(part: Part, candidate: Candidate, name: string): Promise<Fitted> {
  const { material, used, standard, options } = part;
  const { config, heads, rows, progress, fits } = material;
  const { model, training } = config;
  const { known, without = () => false, earlier = [] } = options;
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
      progress(`${name}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
    fits,
  };
  const { inputs, transform } = standard;
  const base = baseOf(candidate);
  if (!base) {
    const shape: PropensityShape = {
      features: rows.width,
      transform,
      heads,
      mlp: candidate.mlp ? { hidden: model.hidden, layers: 2, members: model.members } : null,
      sequence: null,
    };
    const fit = await fitPropensity(shape, { inputs, labels: rows.labels }, used.rows, used.weights, {
      ...settings,
      steps,
    });
    return { shape, ...fit, rows: used.rows.length, pretraining: [], tokens: new Int32Array(0) };
  }
  const start =
    earlier.find((other) => sameBranches(other.candidate, base))?.fitted ??
    (await fitBranches(part, base, name));
  if (candidate.tuned) return fitTuned(part, start, settings);
  const { sequence, tokens, pretrained } = candidate.sequence
    ? await sequencePart(
        material,
        pretrainedBy(earlier),
        (row) => rows.cutoff[row]! <= known && !without(row),
      )
    : { sequence: null, tokens: start.tokens, pretrained: undefined };
  const text = start.shape.text ?? (candidate.text ? textShape(material, used.rows) : null);
  const texts = text ? { texts: rows.texts, vectors: material.text!.vectors } : undefined;
  const shape: PropensityShape = { ...start.shape, sequence, ...(text ? { text } : {}) };
  const fit = await fitPropensity(
    shape,
    { inputs, labels: rows.labels, tokens, text: texts },
    used.rows,
    used.weights,
    {
      ...settings,
      batchSize: Math.min(SEQUENCE_BATCH, training.batchSize),
      steps: Math.max(50, Math.floor(steps * (sequence ? SEQUENCE_SHARE : TEXT_SHARE))),
      // A branch that was not pretrained learns at the full rate.
      learningRate: sequence ? settings.learningRate / 2 : settings.learningRate,
    },
    { ...start.parameters, ...pretrained?.parameters },
  );
  const before = start.curve.at(-1)?.step ?? 0;
  return {
    shape,
    parameters: fit.parameters,
    rows: used.rows.length,
    curve: [...start.curve, ...fit.curve.map((point) => ({ ...point, step: point.step + before }))],
    pretraining: pretrained?.curve ?? [],
    pretrained,
    tokens,
    text: texts,
    encoder: texts && material.text!.graph,
  };
}

/**
 * Goes on from a fitted candidate with its text encoder in the graph: LoRA in the encoder and all else are trained
 * together, then LoRA is merged.
 */
async function fitTuned(
  part: Part,
  start: Fitted,
  settings: Omit<PropensityTraining, 'steps'>,
): Promise<Fitted> {
  const { material, used, standard } = part;
  const { config, rows } = material;
  const { lora } = config.text!;
  const opened = openTuning(material.text!, lora!, config.model.seed);
  const fit = await fitPropensity(
    start.shape,
    { inputs: standard.inputs, labels: rows.labels, tokens: start.tokens, text: start.text },
    used.rows,
    used.weights,
    {
      ...settings,
      batchSize: Math.min(TUNED_BATCH, config.training.batchSize),
      steps: lora!.steps,
      learningRate: settings.learningRate / 2,
      tuning: opened.tuning,
    },
    start.parameters,
  );
  const trained = new Set(opened.tuning.train);
  const split = (of: boolean) =>
    Object.fromEntries(Object.entries(fit.parameters).filter(([name]) => trained.has(name) === of));
  const merged = await mergedTexts(material.text!, opened, split(true), config.training.threads);
  const before = start.curve.at(-1)?.step ?? 0;
  return {
    ...start,
    parameters: split(false),
    curve: [...start.curve, ...fit.curve.map((point) => ({ ...point, step: point.step + before }))],
    text: { texts: rows.texts, vectors: merged.texts.vectors },
    encoder: merged.texts.graph,
    lora: {
      rank: opened.adapter.rank,
      alpha: opened.adapter.alpha,
      targets: opened.adapter.targets.map(({ name }) => name),
      maxDifference: merged.maxDifference,
    },
  };
}

/** The text branch over the rows' texts, standardised by the texts of the training rows alone. */
function textShape({ config, rows, text }: Material, used: Int32Array): TextShape {
  const { vectors: data, width: vector } = text!;
  const stride = rows.texts.length / rows.count;
  const named = new Set<number>();
  for (const row of used) {
    for (let at = row * stride; at < (row + 1) * stride; at += TEXT_FIELDS) {
      if (rows.texts[at]! > 0) named.add(rows.texts[at]! - 1);
    }
  }
  const own = new Float32Array(named.size * vector);
  [...named].forEach((number, i) => {
    own.set(data.subarray(number * vector, (number + 1) * vector), i * vector);
  });
  return {
    vector,
    ...vectorStatistics(own, vector),
    width: config.model.width,
    heads: config.model.heads,
    places: stride / TEXT_FIELDS,
    kinds: TEXT_KINDS,
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
