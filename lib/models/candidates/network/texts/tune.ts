import type { Config } from '../../../../config/index.ts';
import { createRng } from '../../../../engine/host/index.ts';
import { applyLora, type LoraAdapter, mergeLora, trainable } from '../../../../engine/peft/index.ts';
import { encoderFeeds } from '../../../../engine/text/index.ts';
import type { EncodedTexts } from '../../material.ts';
import type { ParameterValues } from '../parameters.ts';
import type { TextTuning } from './tuning.ts';
import { TextVectors } from './vectors.ts';

/** Computes the vectors of texts by an encoder, each text once. */
export async function encodeTexts(
  encoder: Pick<EncodedTexts, 'graph' | 'tokenizer' | 'maxLength' | 'texts'>,
  threads: number,
): Promise<EncodedTexts> {
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
  { graph, tokenizer, maxLength, texts }: EncodedTexts,
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
  material: EncodedTexts,
  { tuning, adapter }: ReturnType<typeof openTuning>,
  values: ParameterValues,
  threads: number,
): Promise<EncodedTexts & { readonly maxDifference: number }> {
  const { tokenizer, maxLength, texts } = material;
  const inputs = [encoderFeeds(tuning.graph, tokenizer.encode(texts.slice(0, COMPARED), { maxLength }))];
  const { graph, maxDifference = 0 } = await mergeLora(tuning.graph, adapter, values, { inputs, threads });
  return { ...(await encodeTexts({ ...material, graph }, threads)), maxDifference };
}
