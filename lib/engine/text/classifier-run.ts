import { type Feeds, float32, int64, type Rng } from '../host/index.ts';
import { type Graph, withParameters } from '../onnx/index.ts';
import {
  type BatchSource,
  type Bucket,
  type CurvePoint,
  type FitOptions,
  fit,
  linearSchedule,
  openTrainer,
  type Trainer,
} from '../train/index.ts';
import { type BatchShape, batchBuckets, textBatches } from './batches.ts';
import { type LengthBucket, textBuckets } from './buckets.ts';
import { classifierProgram, logitParts, NGRAM_TABLE } from './classifier-model.ts';
import { encoderFeeds } from './encoder.ts';
import { TextError } from './errors.ts';
import { fitLogitScales } from './mix-logits.ts';
import { type EncodedTexts, padRows, type TokenizedTexts } from './tokenizer.ts';

/** Buckets with fewer texts than this go into the next longer one. */
const LEAST_IN_BUCKET = 64;
/** Share of the steps in which the rate rises. */
const WARMUP = 0.1;

export interface ClassifierTraining {
  readonly training: Graph;
  readonly evaluation: Graph;
  /** Names of the parameters to train in each pass; the last go on to the end. */
  readonly stages: readonly (readonly string[])[];
  /** Factor of the learning rate of a parameter. */
  readonly rateOf: (name: string) => number;
  readonly texts: TokenizedTexts;
  /** Class of each text. */
  readonly labels: Int32Array;
  readonly rows: Int32Array;
  /** Rows to stop by; none for a training of a known length. */
  readonly held: Int32Array;
  readonly classes: number;
  readonly classWeights: Float32Array;
  readonly padId: number;
  readonly special: {
    readonly maskId: number | undefined;
    readonly prefix: readonly number[];
    readonly suffix: readonly number[];
  };
  readonly rng: Rng;
  /** Steps to make, and those that the schedule reckons with. */
  readonly steps: { readonly best: number; readonly of: number } | undefined;
  readonly epochs: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
  readonly tokenDropout: number;
  readonly tokensPerBatch: number;
  readonly maxLength: number;
  readonly patience: number;
  readonly ema?: number | undefined;
  readonly threads: number;
  readonly onProgress?: FitOptions['onProgress'];
  readonly checkpoint?: FitOptions['checkpoint'];
  readonly resume?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ClassifierRun {
  readonly parameters: Record<string, Float32Array>;
  readonly bestStep: number;
  readonly of: number;
  readonly curve: CurvePoint[];
  /** (held, classes) of each part. */
  readonly heldLogits: Float32Array[];
  readonly scales: number[];
}

/**
 * One training of a classifier's graph, with early stopping where rows are held out. Every stage is a training of its own that goes on
 * from the values of the one before: the optimiser starts anew, batches and rate go on. Stages before the last make a pass each; there
 * are no more stages than passes, and the last alone is stopped early, stored and gone on from, so a resumed training makes the others
 * again, to the same values.
 */
export async function runClassifier(options: ClassifierTraining): Promise<ClassifierRun> {
  const { texts, rows, held, padId, rng } = options;
  const within = (chosen: Int32Array): LengthBucket[] => {
    const known = new Set(chosen);
    return textBuckets(texts, options.maxLength, LEAST_IN_BUCKET)
      .map(({ length, rows: all }) => ({ length, rows: all.filter((row) => known.has(row)) }))
      .filter(({ rows: left }) => left.length > 0);
  };
  const [own, asked] = [within(rows), within(held)];
  // lengths that only held-out texts have come last: they are evaluated, never trained
  const others = asked.filter(({ length }) => !own.some((bucket) => bucket.length === length));
  const all = batchBuckets([...own, ...others], options.tokensPerBatch);
  const heldBuckets = asked.map(({ length, rows: some }) => ({
    ...all.find((bucket) => bucket.length === length)!,
    rows: some,
  }));
  const batches = textBatches({
    texts,
    buckets: all.slice(0, own.length),
    padId,
    rng: rng.fork('batches'),
    make: (batch, chosen, weights, step) => trainingFeeds(options, batch, chosen, weights, step),
  });
  const of = options.steps?.of ?? options.epochs * batches.stepsPerEpoch;
  const end = options.steps?.best ?? of;
  const passes = Math.max(1, Math.ceil(end / batches.stepsPerEpoch));
  const stages = options.stages.slice(0, passes);
  const parameters: Record<string, Float32Array> = {};
  const curve: CurvePoint[] = [];
  for (const [stage, trained] of stages.entries()) {
    const last = stage === stages.length - 1;
    const from = stage * batches.stepsPerEpoch;
    const run = await runStage(options, {
      trained,
      parameters,
      batches: { ...batches, at: (step) => batches.at(from + step) },
      buckets: all,
      held: last ? heldBuckets : [],
      from,
      steps: (last ? end : from + batches.stepsPerEpoch) - from,
      of,
      last,
      onProgress: ({ step, ...told }) => options.onProgress?.({ ...told, step: from + step, of: end }),
    });
    Object.assign(parameters, run.parameters);
    curve.push(...run.curve.map((point) => ({ ...point, step: from + point.step })));
    if (last) return { ...run, parameters, curve, bestStep: from + run.bestStep, of };
  }
  throw new TextError('a classifier has no parameters to train');
}

interface Stage {
  readonly trained: readonly string[];
  /** Values that earlier stages have left. */
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly batches: BatchSource;
  readonly buckets: readonly BatchShape[];
  readonly held: readonly Bucket[];
  /** Steps before it. */
  readonly from: number;
  readonly steps: number;
  /** Steps that the schedule reckons with. */
  readonly of: number;
  readonly last: boolean;
  readonly onProgress: NonNullable<FitOptions['onProgress']>;
}

async function runStage(
  options: ClassifierTraining,
  { trained, parameters, batches, buckets, held: heldBuckets, from, steps, of, last, onProgress }: Stage,
): Promise<Omit<ClassifierRun, 'of'>> {
  const { labels, held, classes, ema } = options;
  const begun = (graph: Graph) => withParameters(graph, parameters);
  const graphs = { training: begun(options.training), evaluation: begun(options.evaluation) };
  const program = classifierProgram(graphs, buckets, trained);
  const trainer = await openTrainer(program, {
    threads: options.threads,
    optimiser: {
      weightDecay: options.weightDecay,
      group: ({ name, shape }) => ({
        lrScale: options.rateOf(name),
        decay: shape.length >= 2 && name !== NGRAM_TABLE,
        rows: 'lazy',
      }),
    },
  });
  try {
    const schedule = linearSchedule({ warmup: Math.round(WARMUP * of) });
    const heldLabels = Int32Array.from(held, (row) => labels[row]!);
    const ask = () => heldLogits(trainer, options, heldBuckets);
    const result = await fit({
      trainer,
      batches,
      steps,
      lr: options.learningRate,
      schedule: (step) => schedule(from + step, of),
      ...(ema === undefined || !last ? {} : { ema }),
      onProgress,
      ...(last ? { checkpoint: options.checkpoint, resume: options.resume } : {}),
      signal: options.signal,
      ...(heldBuckets.length > 0
        ? {
            patience: options.patience,
            evaluate: async () => {
              const parts = await ask();
              return {
                loss: logLossOf(
                  mixed(parts, fitLogitScales(parts, heldLabels, classes), classes),
                  heldLabels,
                  classes,
                ),
              };
            },
          }
        : {}),
    });
    const parts = heldBuckets.length > 0 ? await ask() : [];
    return {
      parameters: await trainer.parameters(),
      bestStep: result.bestStep,
      curve: result.curve,
      heldLogits: parts,
      scales: parts.length > 0 ? fitLogitScales(parts, heldLabels, classes) : [],
    };
  } finally {
    await trainer.close();
  }
}

function trainingFeeds(
  { training, labels, classWeights, special, dropout, tokenDropout }: ClassifierTraining,
  batch: EncodedTexts,
  rows: Int32Array,
  weights: Float32Array,
  rng: Rng,
): Feeds {
  const feeds: Feeds = {
    ...encoderFeeds(training, {
      ...batch,
      ids: dropTokens(batch, special, tokenDropout, rng.fork('tokens')),
    }),
    label: int64(
      BigInt64Array.from(rows, (row) => BigInt(labels[row]!)),
      [rows.length],
    ),
    'row.weight': float32(weights, [rows.length]),
    'class.weight': float32(classWeights.slice(), [classWeights.length]),
  };
  const pooled = training.inputs.find(({ name }) => name === 'dropout.pooled');
  if (pooled) {
    const width = Number(pooled.shape[1]);
    feeds['dropout.pooled'] = float32(rng.fork('pooled').dropoutMask(rows.length * width, dropout), [
      rows.length,
      width,
    ]);
  }
  return feeds;
}

/** Tokens between the special ones, some of them hidden. */
function dropTokens(
  { ids, lengths, length }: EncodedTexts,
  { maskId, prefix, suffix }: ClassifierTraining['special'],
  share: number,
  rng: Rng,
): Int32Array {
  if (share === 0 || maskId === undefined) return ids;
  const separators = new Set([...prefix, ...suffix]);
  return ids.map((id, at) => {
    const column = at % length;
    if (column >= lengths[(at - column) / length]! || separators.has(id)) return id;
    return rng.uniform() < share ? maskId : id;
  });
}

/** Logits of the held-out rows, in their order. */
async function heldLogits(
  trainer: Trainer,
  { evaluation, texts, held, classes, padId }: ClassifierTraining,
  buckets: readonly Bucket[],
): Promise<Float32Array[]> {
  const names = logitParts(evaluation);
  const parts = names.map(() => new Float32Array(held.length * classes));
  const place = new Map(Array.from(held, (row, i) => [row, i]));
  for (const { variant, batchSize: batch, length, rows: own } of buckets) {
    for (let start = 0; start < own.length; start += batch) {
      const rows = Int32Array.from({ length: batch }, (_, i) => own[Math.min(start + i, own.length - 1)]!);
      const outputs = await trainer.evaluate(
        encoderFeeds(evaluation, padRows(texts, rows, length, padId)),
        names,
        { variant },
      );
      names.forEach((name, part) => {
        const logits = outputs[name]!.data as Float32Array;
        rows.forEach((row, i) => {
          parts[part]!.set(logits.subarray(i * classes, (i + 1) * classes), place.get(row)! * classes);
        });
      });
    }
  }
  return parts;
}

/** Softmax of the scaled sum of parts' logits, (rows, classes). */
export function mixed(
  parts: readonly Float32Array[],
  scales: readonly number[],
  classes: number,
): Float64Array {
  const out = new Float64Array(parts[0]!.length);
  for (let at = 0; at < out.length; at += classes) {
    let [largest, total] = [Number.NEGATIVE_INFINITY, 0];
    for (let c = at; c < at + classes; c++) {
      out[c] = parts.reduce((sum, part, k) => sum + scales[k]! * part[c]!, 0);
      largest = Math.max(largest, out[c]!);
    }
    for (let c = at; c < at + classes; c++) {
      out[c] = Math.exp(out[c]! - largest);
      total += out[c]!;
    }
    for (let c = at; c < at + classes; c++) out[c]! /= total;
  }
  return out;
}

function logLossOf(probabilities: Float64Array, labels: Int32Array, classes: number): number {
  let sum = 0;
  labels.forEach((label, row) => {
    sum -= Math.log(Math.max(1e-15, probabilities[row * classes + label]!));
  });
  return sum / labels.length;
}
