import { encodeModel, type Graph } from '../onnx/index.ts';
import {
  applyLora,
  type LoraAdapter,
  layersOf,
  mergeLora,
  type Selection,
  trainable,
} from '../peft/index.ts';
import {
  accuracy,
  type CurvePoint,
  createRng,
  type FitOptions,
  macroF1,
  multiclassLogLoss,
  type Rng,
} from '../train/index.ts';
import { classifierGraph, NGRAM_TABLE, scoringGraph } from './classifier-model.ts';
import { type ClassifierRun, mixed, runClassifier } from './classifier-run.ts';
import { runBuckets } from './embed.ts';
import type { TextEncoder } from './encoder.ts';
import { TextError } from './errors.ts';
import { inverseFrequencies, MOST_ORDERS } from './ngrams.ts';
import type { Pooling } from './pooling.ts';
import { bestThreshold } from './threshold.ts';
import type { TextTokenizer, TokenizedTexts } from './tokenizer.ts';
import { withTypos } from './typos.ts';

export interface TextClassifierOptions {
  /** The most passes over the texts; the rate falls to 0 over them. 10 */
  readonly epochs?: number;
  /** Peak rate of the encoder. 5e-4 */
  readonly learningRate?: number;
  /** Rate of the heads relative to the encoder's. 5 */
  readonly headRate?: number;
  /** Factor of the rate from a layer to the one below (Howard and Ruder 2018, section 3.2). 1 */
  readonly layerDecay?: number;
  /** 0.01 */
  readonly weightDecay?: number;
  /** Of the pooled vector's components. 0.1 */
  readonly dropout?: number;
  /** Share of tokens shown as [MASK] while training. 0.1 */
  readonly tokenDropout?: number;
  /** Label smoothing. 0 */
  readonly smoothing?: number;
  /** Weights of the classes, or `balanced`: inverse to their rows. Equal by default. */
  readonly classWeights?: 'balanced' | Readonly<Record<string, number>>;
  /** Vectors of a text that stand side by side before the head. ['mean'] */
  readonly pooling?: readonly Pooling[];
  /** Low-rank updates instead of all weights; merged when trained. */
  readonly lora?: {
    readonly rank: number;
    readonly alpha: number;
    readonly targets: readonly (string | RegExp)[];
  };
  /** What of the encoder to train without LoRA; see `trainable`. 'all' */
  readonly train?: Selection | readonly Selection[];
  /** Hashed n-grams of tokens beside the encoder; see `ngramLogits`. None by default. */
  readonly ngrams?: { readonly buckets?: number; readonly orders?: number; readonly rate?: number };
  /** 2048 */
  readonly tokensPerBatch?: number;
  /** The encoder's limit */
  readonly maxLength?: number;
  /** Copies of every training text with typing errors, in each longer word with a probability `rate`. None by default. */
  readonly typos?: { readonly copies?: number; readonly rate?: number };
  /** Share of the texts that early stopping, scales and threshold are fitted on. 0.1 */
  readonly heldOut?: number;
  /** Evaluations in a row without a better held-out loss before it stops; one is made each epoch. 3 */
  readonly patience?: number;
  /** Train once more on all texts for as long as was best. true */
  readonly refit?: boolean;
  /** Decay of a moving average of the weights, which is what is kept then. */
  readonly ema?: number;
  /** 1 */
  readonly threads?: number;
  /** 1 */
  readonly seed?: number;
  readonly onProgress?: FitOptions['onProgress'];
}

export interface TextClassifier {
  /** Ascending; columns of what is predicted. */
  readonly classes: readonly string[];
  /** The encoder with its heads: output `probabilities` (batch, classes). */
  readonly graph: Graph;
  readonly tokenizer: TextTokenizer;
  readonly maxLength: number;
  /** For two classes: the second is told from this probability on; of best macro F1 on the held-out texts. */
  readonly threshold: number | undefined;
  /** On the texts held out of the first training. */
  readonly heldOut: { readonly logLoss: number; readonly accuracy: number; readonly macroF1: number };
  /** Epochs of the final training. */
  readonly epochs: number;
  /** What the parts' logits are multiplied by. */
  readonly scales: readonly number[];
  readonly curve: readonly CurvePoint[];
  /** Largest difference of outputs that merging LoRA made; 0 without. */
  readonly adapter: LoraAdapter | undefined;
}

const DEFAULTS = {
  epochs: 10,
  learningRate: 5e-4,
  headRate: 5,
  layerDecay: 1,
  weightDecay: 0.01,
  dropout: 0.1,
  tokenDropout: 0.1,
  smoothing: 0,
  pooling: ['mean'] as readonly Pooling[],
  train: 'all' as Selection | readonly Selection[],
  tokensPerBatch: 2048,
  heldOut: 0.1,
  patience: 3,
  refit: true,
  threads: 1,
  seed: 1,
};

/** 2^17 - 1, a prime: sums of multiples of ids spread over it. */
const NGRAM_BUCKETS = 131_071;
const NGRAM_RATE = 20;

/**
 * Fine-tunes an encoder with a head on labelled texts. A part of them, equal texts together, is held out: it says when to stop, how to
 * scale the logits (calibration) and, for two classes, from where on the second is told. Then it is trained again on all of
 * them for as long.
 * @throws TextError when there are fewer than two classes or options are out of range; PeftError for LoRA's targets
 */
export async function fitTextClassifier(
  encoder: TextEncoder,
  texts: readonly string[],
  labels: readonly string[],
  options: TextClassifierOptions = {},
): Promise<TextClassifier> {
  const settings = { ...DEFAULTS, maxLength: encoder.maxLength, ...options };
  if (labels.length !== texts.length)
    throw new TextError(`${texts.length} texts have ${labels.length} labels; one each is expected`);
  const classes = [...new Set(labels)].sort();
  if (classes.length < 2)
    throw new TextError(`a classifier needs two classes, given ${classes.join(', ') || 'none'}`);
  if (settings.maxLength > encoder.maxLength) {
    throw new TextError(
      `maxLength ${settings.maxLength} is more than the ${encoder.maxLength} tokens of the encoder`,
    );
  }
  const rng = createRng(settings.seed).fork('text classifier');
  const { copies, rows: copyOf } = typedCopies(texts, settings.typos, rng.fork('typos'));
  const tokenized = encoder.tokenizer.tokenize([...texts, ...copies], { maxLength: settings.maxLength });
  const ofText = Int32Array.from(labels, (label) => classes.indexOf(label));
  const numbers = Int32Array.from([...ofText, ...copyOf.map((row) => ofText[row]!)]);
  const isHeld = heldOutRows(texts, settings.heldOut, rng.fork('held out'));
  const rowsOf = (held: boolean) =>
    Int32Array.from(texts.keys()).filter((row) => isHeld[row] === (held ? 1 : 0));
  /** Some texts with their copies. */
  const withCopies = (rows: Int32Array) => {
    const known = new Set(rows);
    return Int32Array.from([
      ...rows,
      ...copyOf.flatMap((row, i) => (known.has(row) ? texts.length + i : [])),
    ]);
  };
  const classWeights = weightsOf(settings.classWeights, classes, ofText);

  const train = async (rows: Int32Array, held: Int32Array, steps?: { best: number; of: number }) => {
    const model = prepare(encoder, tokenized, rows, classes.length, settings, rng);
    const run = await runClassifier({
      ...settings,
      ...model,
      texts: tokenized,
      labels: numbers,
      rows,
      held,
      classes: classes.length,
      classWeights,
      padId: encoder.tokenizer.padId,
      special: {
        maskId: encoder.tokenizer.maskId,
        prefix: encoder.tokenizer.prefix,
        suffix: encoder.tokenizer.suffix,
      },
      rng: rng.fork('training'),
      steps,
    });
    return { model, run };
  };

  const held = rowsOf(true);
  const first = await train(withCopies(rowsOf(false)), held);
  const { scales } = first.run;
  const told = Int32Array.from(held, (row) => numbers[row]!);
  const probabilities = mixed(first.run.heldLogits, scales, classes.length);
  const predictions = { labels: told, probabilities, classes: classes.length };
  const again = settings.refit
    ? await train(withCopies(Int32Array.from(texts.keys())), new Int32Array(), {
        best: Math.round((first.run.bestStep * texts.length) / (texts.length - held.length)),
        of: Math.round((first.run.of * texts.length) / (texts.length - held.length)),
      })
    : first;
  return {
    classes,
    graph: await finished(again.model, again.run, scales),
    tokenizer: encoder.tokenizer,
    maxLength: settings.maxLength,
    threshold: classes.length === 2 ? bestThreshold(secondOf(probabilities), told) : undefined,
    heldOut: {
      logLoss: multiclassLogLoss(predictions),
      accuracy: accuracy(predictions),
      macroF1: macroF1(predictions),
    },
    epochs: (settings.epochs * first.run.bestStep) / first.run.of,
    scales,
    curve: first.run.curve,
    adapter: again.model.adapter,
  };
}

export interface TextPredictions {
  /** (texts, classes) */
  readonly probabilities: Float32Array;
  /** The class of each text: the most probable, or by the threshold where there are two. */
  readonly labels: string[];
}

/** Probabilities and class of each text. @throws what the runtime does */
export async function predictTexts(
  classifier: Pick<TextClassifier, 'classes' | 'graph' | 'tokenizer' | 'maxLength' | 'threshold'>,
  texts: readonly string[],
  { batchSize = 32, threads = 1 }: { batchSize?: number; threads?: number } = {},
): Promise<TextPredictions> {
  const { classes, graph, tokenizer, maxLength, threshold } = classifier;
  const tokenized = tokenizer.tokenize(texts, { maxLength });
  const probabilities = new Float32Array(texts.length * classes.length);
  for await (const { rows, values } of runBuckets(classifier, graph, 'probabilities', tokenized, {
    batchSize,
    threads,
  })) {
    rows.forEach((row, i) => {
      probabilities.set(values.subarray(i * classes.length, (i + 1) * classes.length), row * classes.length);
    });
  }
  const labels = texts.map((_, row) => {
    const own = probabilities.subarray(row * classes.length, (row + 1) * classes.length);
    if (threshold !== undefined) return classes[own[1]! >= threshold ? 1 : 0]!;
    return classes[own.indexOf(Math.max(...own))]!;
  });
  return { probabilities, labels };
}

/** A classifier's model file: one graph from token ids to probabilities. */
export const encodeClassifier = ({ graph }: Pick<TextClassifier, 'graph'>): Uint8Array =>
  encodeModel(graph, { parametersAs: 'initializers' });

interface Prepared {
  readonly training: Graph;
  readonly evaluation: Graph;
  readonly adapter: LoraAdapter | undefined;
  readonly trained: readonly string[];
  readonly rateOf: (name: string) => number;
}

type Settings = typeof DEFAULTS & TextClassifierOptions & { maxLength: number };

/** The graphs of one training, with what is fitted on its rows alone. */
function prepare(
  encoder: TextEncoder,
  texts: TokenizedTexts,
  rows: Int32Array,
  classes: number,
  settings: Settings,
  rng: Rng,
): Prepared {
  const { pooling, dropout, smoothing, lora, headRate, layerDecay } = settings;
  const tuned = lora ? applyLora(encoder.graph, { ...lora, rng: rng.fork('lora') }) : undefined;
  const graph = tuned?.graph ?? encoder.graph;
  const shape = { classes, pooling, smoothing, ngrams: ngramsOf(encoder, texts, rows, settings) };
  const own = { ...encoder, graph };
  const training = classifierGraph(own, { ...shape, dropout }, rng);
  const evaluation = dropout > 0 ? classifierGraph(own, { ...shape, dropout: 0 }, rng) : training;
  const isHead = (name: string) => name.startsWith('head.');
  const chosen = new Set(trainable(graph, lora ? 'lora' : settings.train));
  const trained = training.parameters
    .map(({ name }) => name)
    .filter((name) => isHead(name) || chosen.has(name));
  const depth = layerDecay === 1 ? new Map<string, number>() : depthsOf(graph);
  return {
    training,
    evaluation,
    adapter: tuned?.adapter,
    trained,
    rateOf: (name) => {
      if (name === NGRAM_TABLE) return settings.ngrams?.rate ?? NGRAM_RATE;
      return isHead(name) ? headRate : layerDecay ** (depth.get(name) ?? 0);
    },
  };
}

function ngramsOf(encoder: TextEncoder, texts: TokenizedTexts, rows: Int32Array, { ngrams }: Settings) {
  if (!ngrams) return undefined;
  const { buckets = NGRAM_BUCKETS, orders = 2 } = ngrams;
  if (!Number.isInteger(orders) || orders < 1 || orders > MOST_ORDERS)
    throw new TextError(`n-grams have orders from 1 to ${MOST_ORDERS}, given ${orders}`);
  const separator = encoder.tokenizer.suffix[0] ?? -1;
  const shape = { buckets, orders, separator };
  return { ...shape, idf: inverseFrequencies(rowsOfTexts(texts, rows), shape) };
}

function rowsOfTexts(texts: TokenizedTexts, rows: Int32Array): TokenizedTexts {
  const parts = Array.from(rows, (row) => texts.ids.subarray(texts.offsets[row]!, texts.offsets[row + 1]!));
  const offsets = new Int32Array(rows.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i]! + part.length;
  });
  const ids = new Int32Array(offsets[rows.length]!);
  parts.forEach((part, i) => {
    ids.set(part, offsets[i]!);
  });
  return { ids, offsets };
}

/** Layers between a parameter and the heads. */
function depthsOf(graph: Graph): Map<string, number> {
  const { embeddings, layers } = layersOf(graph);
  const groups = [embeddings, ...layers];
  return new Map(
    groups.flatMap((names, i) => names.map((name): [string, number] => [name, groups.length - i])),
  );
}

/** Texts with typing errors, and which text each is of. */
function typedCopies(
  texts: readonly string[],
  typos: TextClassifierOptions['typos'],
  rng: Rng,
): { copies: string[]; rows: number[] } {
  const { copies: count = typos ? 1 : 0, rate = 0.15 } = typos ?? {};
  const rows = Array.from({ length: count * texts.length }, (_, i) => i % texts.length);
  return { copies: rows.map((row, i) => withTypos(texts[row]!, rate, rng.fork(`copy ${i}`))), rows };
}

/** 1 for the rows held out: a share of the distinct texts, so that no text stands on both sides. */
function heldOutRows(texts: readonly string[], share: number, rng: Rng): Uint8Array {
  if (!(share > 0 && share < 1))
    throw new TextError(`the share held out lies between 0 and 1, given ${share}`);
  const distinct = new Map<string, number>();
  for (const text of texts) if (!distinct.has(text)) distinct.set(text, distinct.size);
  const order = rng.permutation(distinct.size);
  const count = Math.max(1, Math.round(share * distinct.size));
  const held = new Set(order.subarray(0, count));
  if (count >= distinct.size)
    throw new TextError(`${distinct.size} different texts are too few to hold some out`);
  return Uint8Array.from(texts, (text) => (held.has(distinct.get(text)!) ? 1 : 0));
}

function weightsOf(
  given: TextClassifierOptions['classWeights'],
  classes: readonly string[],
  labels: Int32Array,
): Float32Array {
  if (given === 'balanced') {
    const counts = new Float64Array(classes.length);
    for (const label of labels) counts[label]!++;
    return Float32Array.from(counts, (count) => labels.length / (classes.length * count));
  }
  return Float32Array.from(classes, (name) => {
    const weight = given?.[name] ?? 1;
    if (!(weight >= 0))
      throw new TextError(`the weight of class ${name} is ${weight}; 0 or above is expected`);
    return weight;
  });
}

async function finished(
  { evaluation, adapter }: Prepared,
  { parameters }: ClassifierRun,
  scales: readonly number[],
): Promise<Graph> {
  const own = {
    ...evaluation,
    parameters: evaluation.parameters.map((p) => ({ ...p, data: parameters[p.name] ?? p.data })),
  };
  const scoring = scoringGraph(own, { scales });
  return adapter ? (await mergeLora(scoring, adapter, {})).graph : scoring;
}

const secondOf = (probabilities: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: probabilities.length / 2 }, (_, row) => probabilities[2 * row + 1]!);
