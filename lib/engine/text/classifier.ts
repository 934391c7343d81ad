import { createRng, type Rng } from '../host/index.ts';
import { accuracy, macroF1, multiclassLogLoss } from '../metrics/index.ts';
import { type Graph, withParameters } from '../onnx/index.ts';
import {
  applyLora,
  type LoraAdapter,
  layersOf,
  mergeLora,
  type TrainableSelection,
  trainable,
  unfreezeSchedule,
} from '../peft/index.ts';
import type { CurvePoint } from '../train/index.ts';
import { classifierGraph, NGRAM_TABLE, scoringGraph } from './classifier-model.ts';
import { type ClassifierRun, mixed, runClassifier } from './classifier-run.ts';
import {
  DEFAULTS,
  heldOutRows,
  type Settings,
  type TextClassifierOptions,
  typedCopies,
  weightsOf,
} from './classifier-settings.ts';
import { encoderFeeds, type TextEncoderModel } from './encoder.ts';
import { TextError } from './errors.ts';
import { inverseFrequencies, MOST_ORDERS } from './ngrams.ts';
import { bestThreshold } from './threshold.ts';
import type { EncodedTexts, TextTokenizer, TokenizedTexts } from './tokenizer.ts';

export interface TextClassifier {
  /** Ascending; columns of what is predicted. */
  readonly classes: readonly string[];
  /** The encoder with its heads: output `probabilities` (batch, classes). */
  readonly graph: Graph;
  readonly tokenizer: TextTokenizer;
  readonly maxLength: number;
  /** For two classes: the second is told from this probability on; of best expected macro F1 on the held-out texts. */
  readonly threshold: number | undefined;
  /** On the texts held out of the first training. */
  readonly heldOut: {
    readonly logLoss: number;
    /** Of the classes' shares among the texts that were learnt from: a classifier that ends no lower has learnt nothing. */
    readonly baseLogLoss: number;
    readonly accuracy: number;
    readonly macroF1: number;
  };
  /** Epochs of the final training. */
  readonly epochs: number;
  /** What the parts' logits are multiplied by. */
  readonly scales: readonly number[];
  readonly curve: readonly CurvePoint[];
  /** Of a training with LoRA: what was merged, and the largest difference that merging made to probabilities of some texts. */
  readonly lora: { readonly adapter: LoraAdapter; readonly maxDifference: number } | undefined;
}

/** 2^17 - 1, a prime: sums of multiples of ids spread over it. */
const NGRAM_BUCKETS = 131_071;
const NGRAM_RATE = 20;

/** Texts that a merged model is compared on. */
const MERGE_SAMPLE = 16;

/**
 * Fine-tunes an encoder with a head on labelled texts. A part of them, equal texts together, is held out: it says when to stop, how to
 * scale the logits (calibration) and, for two classes, from where on the second is told. Then it is trained again on all of
 * them for as long.
 * @throws TextError when there are fewer than two classes or options are out of range; PeftError for LoRA's targets
 */
export async function fitTextClassifier(
  encoder: TextEncoderModel,
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
      // A checkpoint is of one training.
      ...(steps ? { checkpoint: undefined, resume: undefined } : {}),
    });
    return { model, run };
  };

  const held = rowsOf(true);
  const first = await train(withCopies(rowsOf(false)), held);
  const { scales } = first.run;
  const heldLabels = Int32Array.from(held, (row) => numbers[row]!);
  const probabilities = mixed(first.run.heldLogits, scales, classes.length);
  const predictions = { labels: heldLabels, probabilities, classes: classes.length };
  const again = settings.refit
    ? await train(withCopies(Int32Array.from(texts.keys())), new Int32Array(), {
        best: Math.round((first.run.bestStep * texts.length) / (texts.length - held.length)),
        of: Math.round((first.run.of * texts.length) / (texts.length - held.length)),
      })
    : first;
  const sample = encoder.tokenizer.encode(texts.slice(0, MERGE_SAMPLE), { maxLength: settings.maxLength });
  return {
    classes,
    ...(await finished(again.model, again.run, scales, sample)),
    tokenizer: encoder.tokenizer,
    maxLength: settings.maxLength,
    threshold: classes.length === 2 ? bestThreshold(secondOf(probabilities)) : undefined,
    heldOut: {
      logLoss: multiclassLogLoss(predictions),
      baseLogLoss: baseLogLoss(
        Int32Array.from(rowsOf(false), (row) => numbers[row]!),
        heldLabels,
        classes.length,
      ),
      accuracy: accuracy(predictions),
      macroF1: macroF1(predictions),
    },
    epochs: (settings.epochs * first.run.bestStep) / first.run.of,
    scales,
    curve: first.run.curve,
  };
}

interface Prepared {
  readonly training: Graph;
  readonly evaluation: Graph;
  readonly adapter: LoraAdapter | undefined;
  readonly stages: readonly (readonly string[])[];
  readonly rateOf: (name: string) => number;
}

/** The graphs of one training, with what is fitted on its rows alone. */
function prepare(
  encoder: TextEncoderModel,
  texts: TokenizedTexts,
  rows: Int32Array,
  classes: number,
  settings: Settings,
  rng: Rng,
): Prepared {
  const { pooling, dropout, smoothing, lora, headRate, layerDecay } = settings;
  if (lora && settings.gradual) {
    throw new TextError('a classifier is tuned by lora or gradually, not by both');
  }
  const tuned = lora ? applyLora(encoder.graph, { ...lora, rng: rng.fork('lora') }) : undefined;
  const graph = tuned?.graph ?? encoder.graph;
  const shape = { classes, pooling, smoothing, ngrams: ngramsOf(encoder, texts, rows, settings) };
  const own = { ...encoder, graph };
  const training = classifierGraph(own, { ...shape, dropout }, rng);
  const evaluation = dropout > 0 ? classifierGraph(own, { ...shape, dropout: 0 }, rng) : training;
  const isHead = (name: string) => name.startsWith('head.');
  const chosen = chosenParameters(graph, lora ? 'lora' : settings.train);
  const withHeads = (names: readonly string[]) => {
    const own = new Set(names);
    return training.parameters.map(({ name }) => name).filter((name) => isHead(name) || own.has(name));
  };
  const depth = layerDecay === 1 ? new Map<string, number>() : depthsOf(graph);
  return {
    training,
    evaluation,
    adapter: tuned?.adapter,
    stages: settings.gradual ? gradually(graph, chosen).map(withHeads) : [withHeads(chosen)],
    rateOf: (name) => {
      if (name === NGRAM_TABLE) return settings.ngrams?.rate ?? NGRAM_RATE;
      return isHead(name) ? headRate : layerDecay ** (depth.get(name) ?? 0);
    },
  };
}

/** What to train of the encoder in each pass: nothing, its last layer with what stands behind it, one layer more, and so on. */
function gradually(graph: Graph, chosen: readonly string[]): string[][] {
  const behind = new Set(layersOf(graph).head);
  const stages = unfreezeSchedule(graph, { within: chosen });
  return [[], ...stages.filter((names) => names.some((name) => !behind.has(name)))];
}

/** Of the encoder; the heads, which it does not have yet, are trained in any case. */
function chosenParameters(
  graph: Graph,
  selection: TrainableSelection | readonly TrainableSelection[],
): string[] {
  const selections = (Array.isArray(selection) ? selection : [selection]) as readonly TrainableSelection[];
  const own = selections.filter((one) => one !== 'head');
  return own.length > 0 ? trainable(graph, own) : [];
}

function ngramsOf(encoder: TextEncoderModel, texts: TokenizedTexts, rows: Int32Array, { ngrams }: Settings) {
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

/** The scoring graph with the trained values; LoRA is merged and compared on `sample`. */
async function finished(
  { evaluation, adapter }: Prepared,
  { parameters }: ClassifierRun,
  scales: readonly number[],
  sample: EncodedTexts,
): Promise<Pick<TextClassifier, 'graph' | 'lora'>> {
  const scoring = scoringGraph(withParameters(evaluation, parameters, { unknown: 'ignored' }), scales);
  if (!adapter) return { graph: scoring, lora: undefined };
  const inputs = [encoderFeeds(scoring, sample)];
  const { graph, maxDifference = Number.NaN } = await mergeLora(scoring, adapter, {}, { inputs });
  return { graph, lora: { adapter, maxDifference } };
}

/** Log loss of the shares of the classes among the training labels, half a text of each class added. */
function baseLogLoss(learnt: Int32Array, asked: Int32Array, classes: number): number {
  const counts = new Float64Array(classes).fill(0.5);
  for (const label of learnt) counts[label]! += 1;
  const total = learnt.length + classes / 2;
  return asked.reduce((sum, label) => sum - Math.log(counts[label]! / total), 0) / asked.length;
}

const secondOf = (probabilities: ArrayLike<number>): Float64Array =>
  Float64Array.from({ length: probabilities.length / 2 }, (_, row) => probabilities[2 * row + 1]!);
