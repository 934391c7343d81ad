import type { EncoderSizes } from '../../config/index.ts';
import { canonicalJson, contentId, DataError } from '../../data/index.ts';
import { createRng } from '../../engine/host/index.ts';
import { importModel } from '../../engine/onnx/index.ts';
import {
  buildTextEncoder,
  pretrainText,
  type TextEncoderModel,
  TextTokenizer,
  textEncoder,
  trainWordPiece,
} from '../../engine/text/index.ts';
import type { CurvePoint, FitStore } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import type { Progress } from './progress.ts';

/** Where the files of the encoders lie that a shop brings. */
const encoderPrefix = (name: string): string => `models/encoders/${name}/`;

/** A text encoder, and the files that its tokenizer is made from. */
export interface ShopEncoder {
  readonly encoder: TextEncoderModel;
  readonly files: ModelFiles;
  /** Loss of its pretraining; empty for one that was brought. */
  readonly curve: CurvePoint[];
}

/** Files beside the model that a tokenizer is made from; the first must be there. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const;

/**
 * The encoder that a shop has put into its bucket, under the name that its config gives: a folder as model hubs publish
 * it, `model.onnx` with its external data and `tokenizer.json`.
 * @throws DataError when a file is missing, TextError or GraphError when it cannot be used
 */
export async function readEncoder(store: ObjectStore, name: string): Promise<ShopEncoder> {
  const prefix = encoderPrefix(name);
  const files = new Map<string, Uint8Array>();
  for await (const { key } of store.list(prefix)) {
    files.set(key.slice(prefix.length), await (await store.get(key)).bytes());
  }
  const file = (path: string) => {
    const bytes = files.get(path);
    if (bytes) return bytes;
    throw new DataError(
      `there is no ${prefix}${path}, which text.encoder "${name}" asks for: copy the encoder's folder there`,
    );
  };
  const model = files.has('onnx/model.onnx') ? 'onnx/model.onnx' : 'model.onnx';
  const beside = model.slice(0, -'model.onnx'.length);
  const graph = importModel(file(model), { externalData: (location) => file(beside + location) });
  const own = Object.fromEntries(
    TOKENIZER_FILES.flatMap((path) =>
      path === 'tokenizer.json' || files.has(path) ? [[path, file(path)] as const] : [],
    ),
  );
  const config = files.get('config.json');
  return {
    encoder: textEncoder(graph, tokenizerOf(own), config ? json(config) : {}),
    files: own,
    curve: [],
  };
}

/** An encoder to be made from texts. */
export interface EncoderToMake {
  readonly encoder: EncoderSizes & {
    /** Width inside the feed-forward part; default: four times its width. */
    readonly hidden?: number;
    /** Of the pretraining; default: that of `pretrainText`. */
    readonly tokensPerBatch?: number;
  };
  /** Word pieces of a text. */
  readonly maxLength: number;
}

/**
 * Makes a small encoder from a shop's own texts: a tokenizer learnt from them, a Transformer pretrained by telling their
 * hidden words.
 * @param texts distinct, sorted, and known before the day that is asked for: everything here is fitted on them
 * @throws TextError when no text has a word, or the vocabulary does not hold their characters
 */
export async function makeEncoder(
  { encoder: settings, maxLength }: EncoderToMake,
  texts: readonly string[],
  options: { seed: number; threads: number; progress: Progress; fits?: FitStore | undefined },
): Promise<ShopEncoder> {
  const { seed, threads, progress, fits } = options;
  const { vocabulary, epochs, learningRate, tokensPerBatch, ...shape } = settings;
  const { tokenizer, config } = trainWordPiece(texts, { size: vocabulary, maxLength });
  const files = {
    'tokenizer.json': Buffer.from(canonicalJson(tokenizer)),
    'tokenizer_config.json': Buffer.from(canonicalJson(config)),
  };
  const read = tokenizerOf(files);
  const rng = createRng(seed).fork('text encoder');
  const graph = buildTextEncoder({ ...shape, vocabulary: read.size, maxLength }, rng);
  const fresh = textEncoder(graph, read, { max_position_embeddings: maxLength });
  if (epochs === 0) return { encoder: fresh, files, curve: [] };
  const stored = fits?.next(contentId({ settings, maxLength, seed, threads, texts, version: 1 }));
  const earlier = await stored?.read();
  let steps = 0;
  const { encoder, curve } = await pretrainText(fresh, texts, {
    epochs,
    learningRate,
    ...(tokensPerBatch ? { tokensPerBatch } : {}),
    threads,
    seed,
    onProgress({ step, of, loss }) {
      steps = of;
      progress(`pretraining the text encoder: step ${step} of ${of}, loss ${loss.toFixed(3)}`);
    },
    ...(fits?.signal ? { signal: fits.signal } : {}),
    ...(stored
      ? { checkpoint: { put: stored.put, every: (step: number) => step === steps || stored.isDue() } }
      : {}),
    ...(earlier ? { resume: earlier.bytes } : {}),
  });
  return { encoder, files, curve };
}

/** The tokenizer of an encoder's or a model's files. */
export function tokenizerOf(files: ModelFiles): TextTokenizer {
  const [main, config] = TOKENIZER_FILES.map((name) => files[name]);
  return new TextTokenizer(json(main!), config && json(config));
}

const json = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(new TextDecoder().decode(bytes));
