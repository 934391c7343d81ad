import type { Rng } from '../host/index.ts';
import type { TrainableSelection } from '../peft/index.ts';
import type { FitOptions } from '../train/index.ts';
import { TextError } from './errors.ts';
import type { Pooling } from './pooling.ts';
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
  /** What of the encoder to train without LoRA; see `trainable`, 'head' is the new head alone. 'all' */
  readonly train?: TrainableSelection | readonly TrainableSelection[];
  /** Train the heads alone in the first pass, and one more layer in each that follows, from the top down; see `unfreezeSchedule`. false */
  readonly gradual?: boolean;
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
  /** See `fit`: where checkpoints of the first training go, one to go on from, and a signal to stop by. */
  readonly checkpoint?: FitOptions['checkpoint'];
  readonly resume?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULTS = {
  epochs: 10,
  learningRate: 5e-4,
  headRate: 5,
  layerDecay: 1,
  weightDecay: 0.01,
  dropout: 0.1,
  tokenDropout: 0.1,
  smoothing: 0,
  pooling: ['mean'] as readonly Pooling[],
  train: 'all' as TrainableSelection | readonly TrainableSelection[],
  gradual: false,
  tokensPerBatch: 2048,
  heldOut: 0.1,
  patience: 3,
  refit: true,
  threads: 1,
  seed: 1,
};

export type Settings = typeof DEFAULTS & TextClassifierOptions & { maxLength: number };

/** Texts with typing errors, and which text each is of. */
export function typedCopies(
  texts: readonly string[],
  typos: TextClassifierOptions['typos'],
  rng: Rng,
): { copies: string[]; rows: number[] } {
  const { copies: count = typos ? 1 : 0, rate = 0.15 } = typos ?? {};
  const rows = Array.from({ length: count * texts.length }, (_, i) => i % texts.length);
  return { copies: rows.map((row, i) => withTypos(texts[row]!, rate, rng.fork(`copy ${i}`))), rows };
}

/** 1 for the rows held out: a share of the distinct texts, so that no text stands on both sides. */
export function heldOutRows(texts: readonly string[], share: number, rng: Rng): Uint8Array {
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

export function weightsOf(
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
