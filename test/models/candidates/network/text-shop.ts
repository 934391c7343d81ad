import { createRng } from '../../../../lib/engine/host/index.ts';
import { encodeModel } from '../../../../lib/engine/onnx/index.ts';
import {
  buildTextEncoder,
  type TextEncoderModel,
  TextTokenizer,
  textEncoder,
  trainWordPiece,
} from '../../../../lib/engine/text/index.ts';

/** Texts of a small shop, from a handful of words. */
export function shopTexts(count: number): string[] {
  const words = ['green', 'tea', 'cup', 'honey', 'lamp', 'oak', 'wool', 'scarf', 'never', 'again', 'thanks'];
  const rng = createRng('shop texts');
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + rng.integer(12) }, () => words[rng.integer(words.length)]!).join(' '),
  );
}

/** An encoder of random weights, which tells words apart all the same, and its folder's files. */
export function smallEncoder(
  texts: readonly string[],
  seed = 1,
): { encoder: TextEncoderModel; files: Record<string, Uint8Array> } {
  const { tokenizer, config } = trainWordPiece(texts, { size: 80 });
  const read = new TextTokenizer(tokenizer, config);
  const shape = { vocabulary: read.size, layers: 1, width: 8, heads: 2, maxLength: 24 };
  const built = buildTextEncoder(shape, createRng(seed));
  // Weights as large as those of a trained one.
  const graph = {
    ...built,
    parameters: built.parameters.map((p) => ({
      ...p,
      data: p.shape.length > 1 ? p.data.map((x) => 20 * x) : p.data,
    })),
  };
  const bytes = (value: object) => Buffer.from(JSON.stringify(value));
  return {
    encoder: textEncoder(graph, read, { max_position_embeddings: 24 }),
    files: {
      'model.onnx': encodeModel(graph, { parametersAs: 'initializers' }),
      'tokenizer.json': bytes(tokenizer),
      'tokenizer_config.json': bytes(config),
    },
  };
}
