import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import {
  createRng,
  decodeSafetensors,
  encodeSafetensors,
  float32,
  int64,
} from '../../lib/engine/host/index.ts';
import { decodeModel, encodeModel, readModelFile } from '../../lib/engine/onnx/index.ts';
import { buildTextEncoder, TextTokenizer } from '../../lib/engine/text/index.ts';
import { fitBoosting, treeGraph } from '../../lib/engine/trees/index.ts';
import { external, foreignModel, info, node } from '../engine/onnx/support/foreign.ts';
import { shapedTable } from '../engine/trees/support.ts';
import { bytewise, jsonwise, type Mutate, protowise, several } from './mutate.ts';
import type { Reader } from './reader.ts';

/** Models and tokenizers that a shop brings, and our own stored ones. */

const here = (path: string) => new URL(path, import.meta.url).pathname;
const reference = (path: string) => readFile(here(`../fixtures/reference/${path}`));

const encoder = () =>
  buildTextEncoder(
    { vocabulary: 40, layers: 1, width: 8, heads: 2, maxLength: 12 },
    createRng('an encoder for changed files'),
  );

async function trees() {
  const { model } = await fitBoosting({ ...shapedTable(300, 4, 1, 0.1), options: { threads: 1, trees: 4 } });
  return treeGraph(model);
}

/**
 * A model file of others: read with the files beside it, and where it is taken, written again and opened by the runtime, which
 * runs outside of JavaScript's checks. A weight may name any file: none outside of its folder may be read.
 */
export async function onnx(): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-fuzz-'));
  const path = join(folder, 'model.onnx');
  await writeFile(join(folder, 'weights.bin'), Buffer.alloc(4096, 1));
  const small = encodeModel(encoder(), { parametersAs: 'initializers' });
  return {
    seeds: [
      small,
      small,
      encodeModel(await trees(), { parametersAs: 'initializers' }),
      await reference('tiny-bert/model.onnx'),
      await reference('tiny-bert/model-dynamo.onnx'),
      withWeightsBeside(),
    ],
    mutate: several(protowise, protowise, protowise, bytewise),
    async read(bytes) {
      await writeFile(path, bytes);
      const graph = await readModelFile(path);
      const again = encodeModel(graph, { parametersAs: 'initializers' });
      const session = await InferenceSession.create(again, {
        logSeverityLevel: 4,
        intraOpNumThreads: 1,
      }).catch(() => {
        // The runtime may find fault with a graph that we take: it says so, and the process goes on.
        return undefined;
      });
      await session?.release();
      return 'read';
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Its weights lie in the file beside it. */
function withWeightsBeside(): Uint8Array {
  return foreignModel({
    input: [info('x', 'float32', ['batch', 2])],
    initializer: [external('weights.bin', 4, 16)],
    node: [node('MatMul', ['x', 'w'], ['y'])],
    output: [info('y', 'float32')],
  });
}

/** A model that a training stored: damaged on a disk, or put there by somebody. */
export async function stored(): Promise<Reader> {
  return {
    seeds: [
      encodeModel(encoder(), { parametersAs: 'initializers' }),
      encodeModel(await trees(), { parametersAs: 'initializers' }),
    ],
    mutate: several(protowise, protowise, bytewise),
    async read(bytes) {
      decodeModel(bytes);
      return 'read';
    },
  };
}

export async function tokenizer(): Promise<Reader> {
  const names = ['bert', 'modernbert', 'mpnet', 'roberta', 'xlmr'];
  const texts = ['Where is my order no. 4711?', 'ça va 😀', '', '中文字', 'x'.repeat(300)];
  return {
    seeds: await Promise.all(
      names.map(async (name) => {
        const { tokenizer } = JSON.parse(await readFile(here(`../fixtures/tokenizers/${name}.json`), 'utf8'));
        return Buffer.from(JSON.stringify(tokenizer));
      }),
    ),
    mutate: several(jsonwise),
    async read(bytes) {
      const json: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
      const read = new TextTokenizer(Object(json) as object);
      read.encode(texts, { maxLength: 24 });
      return 'read';
    },
  };
}

export async function safetensors(): Promise<Reader> {
  const rng = createRng('tensors');
  const file = encodeSafetensors(
    {
      a: float32(rng.normals(12, 1), [3, 4]),
      b: int64(BigInt64Array.of(1n, 2n, 3n), [3]),
      empty: float32(new Float32Array(0), [0, 5]),
      scalar: float32(Float32Array.of(1), []),
    },
    { format: 'pt' },
  );
  return {
    seeds: [file, file, encodeSafetensors({})],
    mutate: several(headerwise, headerwise, bytewise),
    async read(bytes) {
      decodeSafetensors(bytes);
      return 'read';
    },
  };
}

/** A change inside the JSON header, its length told rightly. */
const headerwise: Mutate = (rng, bytes) => {
  if (bytes.length < 8) return bytewise(rng, bytes);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) return bytewise(rng, bytes);
  const header = jsonwise(rng, bytes.subarray(8, 8 + length));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, bytes.subarray(8 + length)]);
};
