import { createRng } from '../host/index.ts';
import { buildTextEncoder, type TextEncoderShape } from './build.ts';
import { type TextModel, textEncoder } from './encoder.ts';
import { TextTokenizer } from './tokenizer.ts';
import { type TokenizerFiles, trainWordPiece } from './word-piece.ts';

export interface OwnEncoderOptions extends Omit<TextEncoderShape, 'vocabulary'> {
  /** The most tokens of the vocabulary. 8000 */
  readonly vocabulary?: number;
  /** 1 */
  readonly seed?: number;
}

/** A tokenizer learned from texts and a freshly initialised encoder over it, to be pretrained on them: see `pretrainText`. */
export function ownEncoder(
  texts: Iterable<string>,
  { vocabulary = 8000, seed = 1, ...shape }: OwnEncoderOptions,
): { encoder: TextModel; files: TokenizerFiles } {
  const files = trainWordPiece(texts, { size: vocabulary, maxLength: shape.maxLength });
  const tokenizer = new TextTokenizer(files.tokenizer, files.config);
  const graph = buildTextEncoder(
    { ...shape, vocabulary: tokenizer.size },
    createRng(seed).fork('text encoder'),
  );
  return {
    encoder: textEncoder(graph, tokenizer, {
      model_type: 'nightjar',
      num_hidden_layers: shape.layers,
      num_attention_heads: shape.heads,
      vocab_size: tokenizer.size,
      max_position_embeddings: shape.maxLength,
    }),
    files,
  };
}
