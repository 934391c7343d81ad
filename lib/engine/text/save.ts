import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeModel } from '../onnx/index.ts';
import type { TextModel } from './encoder.ts';
import type { TokenizerFiles } from './word-piece.ts';

/** The form of an encoder's config.json; other keys are kept. */
interface EncoderConfig {
  readonly hidden_size: number;
  readonly vocab_size: number;
  readonly max_position_embeddings: number;
}

/** An encoder as the files of a hub folder, by name: the form that `openTextEncoder` reads. */
export function encoderFiles(
  { graph, width, tokenizer, maxLength, config }: TextModel,
  files: TokenizerFiles,
): Record<string, Uint8Array | string> {
  const json = (value: unknown) => `${JSON.stringify(value, null, 1)}\n`;
  const own: EncoderConfig = {
    hidden_size: width,
    vocab_size: tokenizer.size,
    max_position_embeddings: maxLength,
  };
  return {
    'model.onnx': encodeModel(graph, { parametersAs: 'initializers' }),
    'tokenizer.json': json(files.tokenizer),
    'tokenizer_config.json': json(files.config),
    'config.json': json({ ...own, ...config }),
  };
}

/** Writes an encoder's folder; each file appears whole or not at all. */
export async function saveTextEncoder(
  folder: string,
  encoder: TextModel,
  files: TokenizerFiles,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(encoderFiles(encoder, files))) {
    await writeFile(join(folder, `${name}.part`), content);
    await rename(join(folder, `${name}.part`), join(folder, name));
  }
}
