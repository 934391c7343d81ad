import type { Config } from '../../../../config/index.ts';
import { createRng } from '../../../../engine/host/index.ts';
import type { Graph } from '../../../../engine/onnx/index.ts';
import { applyLora, type LoraAdapter, mergeLora, trainable } from '../../../../engine/peft/index.ts';
import { encoderFeeds, type TextTokenizer } from '../../../../engine/text/index.ts';
import { type Parameters } from '../fit.ts';
import { type TextTuning } from './tuning.ts';
import { TextVectors } from './vectors.ts';

/** The texts of some rows, and how they become vectors. */
export interface TextMaterial {
  /** From word pieces to vectors, see `vectorsGraph`. */
  readonly graph: Graph;
  readonly tokenizer: TextTokenizer;
  /** Word pieces of a text that are read. */
  readonly maxLength: number;
  /** Texts by number. */
  readonly texts: readonly string[];
  /** Their vectors by the graph, (texts, width). */
  readonly vectors: Float32Array;
  readonly width: number;
}

/** Computes the vectors of texts by an encoder, each text once. */
export async function encodeRows(
  encoder: Pick<TextMaterial, 'graph' | 'tokenizer' | 'maxLength' | 'texts'>,
  threads: number,
): Promise<TextMaterial> {
  const { graph, tokenizer, maxLength, texts } = encoder;
  const vectors = new TextVectors(graph, tokenizer, { maxLength, threads });
  try {
    return { graph, tokenizer, maxLength, texts, vectors: await vectors.of(texts), width: vectors.width };
  } finally {
    await vectors.close();
  }
}

/** Puts LoRA into an encoder. */
export function openTuning(
  { graph, tokenizer, maxLength, texts }: TextMaterial,
  { rank, alpha, targets }: NonNullable<NonNullable<Config['text']>['lora']>,
  seed: number,
): { tuning: TextTuning; adapter: LoraAdapter } {
  const rng = createRng(seed).fork('lora');
  const tuned = applyLora(graph, { rank, alpha, targets, rng });
  const tuning = {
    graph: tuned.graph,
    train: trainable(tuned.graph, 'lora'),
    pieces: tokenizer.tokenize(texts, { maxLength }),
    padId: tokenizer.padId,
  };
  return { tuning, adapter: tuned.adapter };
}

/** Texts that the merged encoder is compared with the trained one on. */
const COMPARED = 32;

/**
 * The same texts by an encoder with what was trained merged into its weights.
 * @param values of `tuning.train`
 * @returns also the largest difference that merging made to a vector's coordinate
 */
export async function mergedTexts(
  material: TextMaterial,
  { tuning, adapter }: ReturnType<typeof openTuning>,
  values: Parameters,
  threads: number,
): Promise<{ texts: TextMaterial; maxDifference: number }> {
  const { tokenizer, maxLength, texts } = material;
  const inputs = [encoderFeeds(tuning.graph, tokenizer.encode(texts.slice(0, COMPARED), { maxLength }))];
  const { graph, maxDifference = 0 } = await mergeLora(tuning.graph, adapter, values, { inputs, threads });
  return { texts: await encodeRows({ ...material, graph }, threads), maxDifference };
}
