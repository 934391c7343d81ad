import { DataError } from '../data/index.ts';
import { importModel } from '../onnx/index.ts';
import type { ModelFiles } from '../registry/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { type TextEncoder, TextTokenizer, textEncoder } from '../text/index.ts';

/** Where the files of the encoders lie that a shop brings. */
export const encoderPrefix = (name: string): string => `models/encoders/${name}/`;

/** A text encoder, and the files that its tokenizer is made from. */
export interface ShopEncoder {
  readonly encoder: TextEncoder;
  readonly files: ModelFiles;
}

/** Files beside the model that a tokenizer is made from; the first must be there. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const;

/**
 * The encoder that a shop has put into its bucket, under the name that its config gives: a folder as model hubs publish
 * it, `model.onnx` with its external data and `tokenizer.json`.
 * @throws DataError when a file is missing, TextError or GraphError when it can not be used
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
  };
}

/** The tokenizer of an encoder's or a model's files. */
export function tokenizerOf(files: ModelFiles): TextTokenizer {
  const [main, config] = TOKENIZER_FILES.map((name) => files[name]);
  return new TextTokenizer(json(main!), config && json(config));
}

const json = (bytes: Uint8Array): Record<string, unknown> => JSON.parse(new TextDecoder().decode(bytes));
