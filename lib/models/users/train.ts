import { canonicalJson, DataError, formatDay, parseDay } from '../../data/index.ts';
import { createRng } from '../../engine/host/index.ts';
import type { BinaryAssessment, Validation } from '../../engine/metrics/index.ts';
import { encodeModel } from '../../engine/onnx/index.ts';
import type { CurvePoint, FitStore } from '../../engine/train/index.ts';
import { type AttributeEncoder, ByteCache, featureNames } from '../../features/index.ts';
import { type Head, scoringModel } from '../candidates/network/graph.ts';
import { type TokenVocabulary } from '../candidates/network/visits/visit-ids.ts';
import { vectorsGraph } from '../candidates/network/texts/vectors.ts';
import { withValues } from '../candidates/network/fit.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { RunManifest, TaskGroup } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { fitCandidate } from './candidate.ts';
import { cutoffGrid } from './cutoff-grid.ts';
import type { LeftOut } from '../enough.ts';
import { groupMatrix } from '../candidates/group-matrix.ts';
import { type HeldOutRows, heldOutMeasures, type TaskMeasures, validationOf } from './held-out.ts';
import type { Candidate, Fitted, Material, Progress } from './material.ts';
import { profileNames } from './profiles.ts';
import { featureStrengths } from '../candidates/strength.ts';
import { makeEncoder, readEncoder, type ShopEncoder } from './shop-encoder.ts';
import { textsBefore } from './texts.ts';
import { encodeRows, type TextMaterial } from '../candidates/network/texts/tune.ts';
import { buildUserRows, historyStart, survey, userHeads, userTask } from './user-rows.ts';
import { usualLength } from './visits.ts';

/** Rows that training holds at most; with more, users are sampled by their hash. */
const MAX_ROWS = 120_000;
/** A branch must lower the validation loss by this much to be kept. */
const WORTH = 0.0005;

/** What `manifest.json` of a users model says. Everything that scoring needs beside the graph stands in it. */
export interface UsersModelManifest {
  readonly kind: 'users';
  readonly heads: readonly Head[];
  /** Null where the model reads no visits. */
  readonly sequence: { readonly vocabulary: TokenVocabulary; readonly length: number } | null;
  /** Absent where the model reads no texts. */
  readonly text?: {
    readonly places: number;
    /** Word pieces of a text. */
    readonly maxLength: number;
    /** Loss of the encoder's pretraining on the shop's own texts; empty for one that the shop brought. */
    readonly pretraining: CurvePoint[];
    /** Where it was trained with the model: how, and what merging it into the weights changed. */
    readonly lora?: NonNullable<Fitted['lora']>;
  };
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
  readonly candidates: readonly { readonly name: string; readonly loss: number }[];
  /** Where texts are read: what each kind of input adds. */
  readonly comparison?: Comparison;
  /**
   * What the chosen form did on the data that it was chosen by, by task. A task whose window was never over has none,
   * and models of earlier versions have none at all.
   */
  readonly validation?: Readonly<Record<string, Validation<BinaryAssessment>>>;
  /** Tasks of the group that could not be trained, and why; absent where there were none. */
  readonly leftOut?: readonly LeftOut[];
  /** Per head what moves its scores. */
  readonly strengths: Awaited<ReturnType<typeof featureStrengths>>;
}

/** A group without the tasks that cannot be trained yet. */
export interface CheckedGroup extends TaskGroup {
  readonly leftOut?: readonly LeftOut[];
}

/** What the candidates did on held-out rows, task by task. */
export interface Comparison {
  /** The cut-off that was held out, 'YYYY-MM-DD'; null where users were. */
  readonly cutoff: string | null;
  readonly kept: string;
  readonly candidates: readonly {
    readonly name: string;
    /** Kinds of input: features, visits, texts. */
    readonly reads: readonly string[];
    readonly tasks: readonly TaskMeasures[];
  }[];
}

const CANDIDATES: readonly Candidate[] = [
  { name: 'linear', mlp: false, sequence: false, text: false },
  { name: 'linear + MLP', mlp: true, sequence: false, text: false },
  { name: 'linear + MLP + sequence', mlp: true, sequence: true, text: false },
  { name: 'linear + MLP + text', mlp: true, sequence: false, text: true },
  { name: 'linear + MLP + sequence + text', mlp: true, sequence: true, text: true },
];

/**
 * Trains the model of the tasks over users from what was known before the as-of day: chooses branches and steps on
 * the latest cut-off whose windows are all closed, with everything fitted on what was known by that cut-off, then fits
 * again on all.
 * @param fits keeps the fits for a training that is started again
 */
export async function trainUsers(
  store: ObjectStore,
  manifest: RunManifest,
  group: CheckedGroup,
  progress: Progress,
  fits?: FitStore,
): Promise<ModelFiles> {
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const first = await historyStart(store, manifest, asOf);
  if (first === undefined) {
    throw new DataError(
      `there are no events before the as-of day ${manifest.asOf}: choose a later day, or drop earlier ones`,
    );
  }
  const heads = userHeads(config, group.tasks, asOf - first);
  const horizon = Math.max(...group.tasks.map((name) => userTask(config, name).horizonDays));
  const grid = cutoffGrid(config, first, asOf);
  if (grid.length === 0) {
    throw new DataError(
      `no history to learn from: the first event is of ${formatDay(first)}, the as-of day ${manifest.asOf}; ` +
        'give at least a few days of events before it',
    );
  }
  const validAt = asOf - horizon;
  const timeSplit = grid.filter((c) => c < validAt).length >= 2;
  /** Undefined where there are no texts yet to make one from. */
  const encoderOf = async (day: number): Promise<ShopEncoder | undefined> => {
    const { encoder, maxLength } = config.text!;
    if (typeof encoder === 'string') return readEncoder(store, encoder);
    const texts = await textsBefore(store, manifest, day, first, new ByteCache());
    if (texts.length === 0) return undefined;
    const { seed } = config.model;
    const { threads } = config.training;
    return makeEncoder({ encoder, maxLength }, texts, { seed, threads, progress, fits });
  };
  const textMaterial = ({ encoder }: ShopEncoder, texts: readonly string[]): Promise<TextMaterial> => {
    progress(`encoding ${texts.length} texts`);
    const { tokenizer } = encoder;
    const maxLength = Math.min(config.text!.maxLength, encoder.maxLength);
    return encodeRows({ graph: vectorsGraph(encoder), tokenizer, maxLength, texts }, config.training.threads);
  };
  /** All that may be known on a day, vocabulary, encodings, length of visits and text encoder included. */
  const knownBy = async (
    day: number,
    cutoffs: readonly number[],
  ): Promise<Material & { readonly encoder: ShopEncoder | undefined }> => {
    progress('reading users');
    const surveyed = await survey(store, manifest, day, first);
    const rows = await buildUserRows({
      store,
      manifest,
      tasks: group.tasks,
      heads,
      cutoffs,
      survey: surveyed,
      length: config.features.tokens,
      limit: MAX_ROWS,
    });
    const length = usualLength(rows, config.features.tokens);
    const encoder = config.text && (await encoderOf(day));
    const text = encoder && (await textMaterial(encoder, rows.textOf));
    return { config, heads, rows, survey: surveyed, length, text, encoder, progress, fits };
  };
  const selected = timeSplit
    ? await select(await knownBy(validAt, [...grid.filter((c) => c < validAt), validAt]), validAt, asOf)
    : await select(await knownBy(asOf, [...grid, asOf]), asOf, asOf);
  const material = await knownBy(asOf, [...grid, asOf]);
  const { rows, length } = material;
  const { vocabulary, columns, profile } = material.survey;
  progress(`fitting ${selected.candidate.name} on all cut-offs`);
  const final = await fitCandidate(material, selected.candidate, { known: asOf });
  const names = [...columns.map((j) => featureNames(config)[j]!), ...profileNames(profile)];
  const groups = groupMatrix(final.shape.transform.kept.map((j) => names[j]!.group));
  // Users with few visits are scored in short batches: the number of visits is left open.
  const { sequence } = final.shape;
  const scoringShape = { ...final.shape, sequence: sequence && { ...sequence, length: 'length' as const } };
  const encoder = final.shape.text ? material.encoder : undefined;
  const scoring = withValues(
    scoringModel(scoringShape, createRng(config.model.seed), groups, final.encoder),
    final.parameters,
  );
  const current = Int32Array.from({ length: rows.count }, (_, i) => i).filter(
    (row) => rows.cutoff[row] === asOf,
  );
  const description: UsersModelManifest = {
    kind: 'users',
    heads,
    sequence: sequence && { vocabulary, length },
    ...(encoder
      ? {
          text: {
            places: final.shape.text!.places,
            maxLength: material.text!.maxLength,
            pretraining: encoder.curve,
            ...(final.lora ? { lora: final.lora } : {}),
          },
        }
      : {}),
    columns,
    profile,
    groups: groups.names,
    trainedBefore: manifest.asOf!,
    rows: final.rows,
    curve: final.curve,
    pretraining: final.pretraining,
    selection: selected.notes,
    candidates: selected.losses,
    ...(config.text ? { comparison: selected.comparison } : {}),
    validation: selected.validation,
    ...(group.leftOut?.length ? { leftOut: group.leftOut } : {}),
    strengths: await featureStrengths(
      final.shape,
      final.parameters,
      { ...rows, tokens: final.tokens, text: final.text },
      current,
      names,
    ),
  };
  return {
    'model.onnx': encodeModel(scoring, { parametersAs: 'initializers' }),
    ...(encoder ? encoder.files : {}),
    'manifest.json': new TextEncoder().encode(canonicalJson(description)),
  };
}

interface Selected {
  readonly candidate: Candidate;
  readonly losses: { name: string; loss: number }[];
  readonly comparison: Comparison;
  readonly validation: Record<string, Validation<BinaryAssessment>>;
  readonly notes: string[];
}

/**
 * Compares the candidates on a cut-off that lies after all they were fitted on, or on users held out.
 * @param known the day by which everything was known: the validation cut-off, or the as-of day
 */
async function select(material: Material, known: number, asOf: number): Promise<Selected> {
  const timeSplit = known < asOf;
  const { config, rows, progress } = material;
  const losses: { name: string; loss: number }[] = [];
  const compared: Comparison['candidates'][number][] = [];
  const reads = material.text !== undefined && rows.textOf.length > 0;
  const visits = config.model.layers > 0;
  const candidates = CANDIDATES.filter(({ sequence, text }) => (visits || !sequence) && (reads || !text));
  // Without enough closed cut-offs a fold of users is held out instead, over all cut-offs.
  const heldOut = (row: number) => (timeSplit ? rows.cutoff[row] === known : rows.unit[row]! % 0.2 < 0.04);
  const validation = Int32Array.from({ length: rows.count }, (_, i) => i).filter(heldOut);
  let best: { candidate: Candidate; loss: number; outcomes: HeldOutRows[] } | undefined;
  const earlier: { candidate: Candidate; fitted: Fitted }[] = [];
  const forms = candidates.length + (reads && config.text?.lora ? 1 : 0);
  const judge = async (candidate: Candidate) => {
    progress(`choosing, form ${losses.length + 1} of ${forms}: ${candidate.name}`);
    const fitted = await fitCandidate(material, candidate, { known, without: heldOut, earlier });
    earlier.push({ candidate, fitted });
    const { loss, tasks, outcomes } = await heldOutMeasures(
      config,
      material.heads,
      rows,
      validation,
      fitted,
      asOf,
    );
    losses.push({ name: candidate.name, loss });
    compared.push({ name: candidate.name, reads: inputsOf(candidate), tasks });
    if (!best || loss < best.loss - WORTH) best = { candidate, loss, outcomes };
    return { candidate, loss };
  };
  /** The better one of those that read texts as they are. */
  let reader: { candidate: Candidate; loss: number } | undefined;
  for (const candidate of candidates) {
    const { loss } = await judge(candidate);
    if (candidate.text && (!reader || loss < reader.loss)) reader = { candidate, loss };
  }
  if (reader && config.text?.lora) {
    const { candidate } = reader;
    await judge({ ...candidate, name: candidate.name.replace('text', 'tuned text'), tuned: true });
  }
  const told = losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ');
  const notes = [
    timeSplit
      ? `Validated on the cut-off ${formatDay(known)}, whose windows were closed by the as-of day; everything was fitted on what was known by then.`
      : 'Too few closed cut-offs for a later slice: a fifth of the users was held out.',
    `Kept: ${best!.candidate.name} (held-out loss ${told}).`,
  ];
  const { candidate } = best!;
  const cutoff = timeSplit ? formatDay(known) : null;
  const comparison = { cutoff, kept: candidate.name, candidates: compared };
  progress('measuring the chosen one on what was held out');
  const figures = validationOf(material.heads, best!.outcomes, timeSplit ? 'day' : 'users');
  return { candidate, losses, comparison, validation: figures, notes };
}

/** What a candidate reads, in the words of the report. */
const inputsOf = ({ sequence, text, tuned }: Candidate): string[] => [
  'features',
  ...(sequence ? ['visits'] : []),
  ...(text ? [tuned ? 'texts (encoder trained too)' : 'texts'] : []),
];
