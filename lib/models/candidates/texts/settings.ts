import type { Config } from '../../../config/index.ts';
import type { TextClassifierOptions } from '../../../engine/text/index.ts';

/** Tokens of all training texts up to which texts are few, or very few. */
export const FEW_TOKENS = 500_000;
export const VERY_FEW_TOKENS = 40_000;

/** A fine-tuning makes so many steps at least, within the bounds of its passes: fewer move no head far enough. */
const FEWEST_STEPS = 400;
const EPOCHS = { few: [4, 20], many: [2, 4] } as const;
/** Tokens that a fine-tuning of many texts reads in all. */
const TOKENS_READ = 3_000_000;

/** Peak rates of the encoder: one made here is small, one that is brought has learnt much that must not be lost. */
const OWN_RATE = 1e-3;
const BROUGHT_RATE = 5e-5;
/** Where the weights of the encoder stay as they are, nothing that it has learnt is lost. */
const FROZEN_RATE = 1e-3;

/** Decay of the moving average of the weights: as many steps as many texts give are worth averaging. */
const AVERAGE = 0.995;
/** Primes; fewer places for few texts, whose n-grams are fewer. */
const BUCKETS = { few: 65_521, many: 131_071 };
/** Neighbours in an n-gram; of single characters one more. */
const ORDERS = { words: 2, characters: 3 };

export interface AmountOfText {
  /** Tokens of all training texts. */
  readonly tokens: number;
  /** Is it an encoder that the shop has brought? */
  readonly brought: boolean;
  /** Are characters the tokens? */
  readonly characters: boolean;
}

type Tuning = NonNullable<NonNullable<Config['text']>['labels']['tuning']>;

function usualRate(brought: boolean, tuning: Tuning): number {
  if (tuning !== 'full' && tuning !== 'gradual') return FROZEN_RATE;
  return brought ? BROUGHT_RATE : OWN_RATE;
}

/** What is trained of the encoder. */
function tuned(tuning: Tuning): Pick<TextClassifierOptions, 'train' | 'gradual' | 'lora'> {
  if (tuning === 'full') return {};
  if (tuning === 'head') return { train: 'head' };
  return tuning === 'gradual' ? { gradual: true } : tuning;
}

/** How a classifier is fine-tuned on so much text. @param copies with typing errors, of every text */
export function classifierSettings(
  { model, training, text }: Config,
  { tokens, brought, characters }: AmountOfText,
  copies: number,
): TextClassifierOptions {
  const { epochs, learningRate, tuning = 'full' } = text!.labels;
  const few = tokens < FEW_TOKENS;
  const tokensPerBatch = tokens < VERY_FEW_TOKENS ? 256 : few ? 1024 : 4096;
  const read = few ? FEWEST_STEPS * tokensPerBatch : TOKENS_READ;
  const [least, most] = few ? EPOCHS.few : EPOCHS.many;
  const usual = Math.ceil(read / (tokens * (1 + copies)));
  return {
    epochs: epochs ?? Math.min(most, Math.max(least, usual)),
    learningRate: learningRate ?? usualRate(brought, tuning),
    tokensPerBatch,
    ngrams: {
      buckets: few ? BUCKETS.few : BUCKETS.many,
      orders: characters ? ORDERS.characters : ORDERS.words,
    },
    ...tuned(tuning),
    ...(copies > 0 ? { typos: { copies } } : {}),
    ...(few ? {} : { ema: AVERAGE }),
    refit: false,
    seed: model.seed,
    threads: training.threads,
  };
}
