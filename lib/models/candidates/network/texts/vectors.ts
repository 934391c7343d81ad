import { encodeModel, type Graph, inferTypes, selectOutputs } from '../../../../engine/onnx/index.ts';
import {
  EMBEDDING,
  embeddingGraph,
  encoderFeeds,
  encoderOfShape,
  padRows,
  type TextEncoderModel,
  type TextTokenizer,
  textBuckets,
} from '../../../../engine/text/index.ts';
import { openSession, type Session } from '../../../../engine/train/index.ts';
import { TEXT_VECTORS } from './read.ts';

/** The encoder's part of a graph: its names begin with this, so that they meet none of the other branches. */
const PREFIX = 'text.encoder/';
/** Axes of the encoder's inputs in such a graph: the distinct texts of a batch, and their word pieces. */
const AXES = ['texts', 'pieces'] as const;

/**
 * A text encoder as the first part of a model: from token ids (texts, pieces) to one vector per text, the output
 * `text.vectors` (texts, width). Inputs keep their names.
 */
export function vectorsGraph(encoder: TextEncoderModel): Graph {
  const graph = embeddingGraph(encoder);
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const rename = (name: string) =>
    name === '' || inputs.has(name) ? name : name === EMBEDDING ? TEXT_VECTORS : PREFIX + name;
  return inferTypes({
    ...graph,
    inputs: graph.inputs.map((input) => ({
      ...input,
      shape: input.shape.map((dim, axis) => (typeof dim === 'string' ? AXES[axis]! : dim)),
    })),
    outputs: [{ name: TEXT_VECTORS }],
    nodes: graph.nodes.map((node) => ({
      ...node,
      name: PREFIX + node.name,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers: graph.initializers.map((constant) => ({ ...constant, name: rename(constant.name) })),
    parameters: graph.parameters.map((parameter) => ({ ...parameter, name: rename(parameter.name) })),
  });
}

/**
 * A model that reads texts, cut where their vectors are: the encoder, and the rest with `text.vectors` among its inputs.
 * Each distinct text then is encoded once, however many users have it. Together they compute what the model does.
 */
export function cutAtVectors(model: Graph): { encoder: Graph; rest: Graph } {
  const type = model.values.get(TEXT_VECTORS)!;
  const fed = {
    ...model,
    inputs: [...model.inputs, { name: TEXT_VECTORS, ...type }],
    nodes: model.nodes.filter(({ outputs }) => !outputs.includes(TEXT_VECTORS)),
  };
  return {
    encoder: selectOutputs(model, [TEXT_VECTORS]),
    rest: selectOutputs(
      fed,
      model.outputs.map(({ name }) => name),
    ),
  };
}

/** Texts of every run of an encoder: always the same, the last one filled up, because results may depend on it. */
const BATCH = 32;

/**
 * Computes vectors of texts. A text's vector depends on nothing but the text: it is padded to a length of its own, in
 * batches of one size.
 */
export class TextVectors {
  readonly width: number;
  readonly #graph: Graph;
  readonly #tokenizer: TextTokenizer;
  readonly #maxLength: number;
  readonly #threads: number;
  readonly #sessions = new Map<number, Promise<Session>>();

  /** @param graph what `vectorsGraph` or `cutAtVectors` gives */
  constructor(graph: Graph, tokenizer: TextTokenizer, options: { maxLength: number; threads: number }) {
    this.#graph = graph;
    this.#tokenizer = tokenizer;
    this.#maxLength = options.maxLength;
    this.#threads = options.threads;
    this.width = graph.outputs[0]!.shape[1] as number;
  }

  /** One row for each text, (texts.length, width). @throws SessionError when the encoder cannot be run */
  async of(texts: readonly string[]): Promise<Float32Array> {
    const tokenized = this.#tokenizer.tokenize(texts, { maxLength: this.#maxLength });
    const vectors = new Float32Array(texts.length * this.width);
    for (const { length, rows } of textBuckets(tokenized, this.#maxLength)) {
      const session = await this.#session(length);
      const at = (start: number) =>
        Int32Array.from({ length: BATCH }, (_, i) => rows[Math.min(start + i, rows.length - 1)]!);
      const graph = this.#graph;
      const padId = this.#tokenizer.padId;
      const batches = function* () {
        for (let start = 0; start < rows.length; start += BATCH) {
          yield encoderFeeds(graph, padRows(tokenized, at(start), length, padId));
        }
      };
      let start = 0;
      for await (const output of session.runAll(batches(), { transfer: true })) {
        const values = output[TEXT_VECTORS]!.data as Float32Array;
        rows.subarray(start, start + BATCH).forEach((row, i) => {
          vectors.set(values.subarray(i * this.width, (i + 1) * this.width), row * this.width);
        });
        start += BATCH;
      }
    }
    return vectors;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).close();
  }

  #session(length: number): Promise<Session> {
    let session = this.#sessions.get(length);
    if (!session) {
      const model = encodeModel(encoderOfShape(this.#graph, BATCH, length), { parametersAs: 'initializers' });
      this.#sessions.set(length, (session = openSession(model, { threads: this.#threads })));
    }
    return session;
  }
}

/** Vectors that are kept, in numbers: 256 MiB. */
const KEPT = 1 << 26;

/** Computes vectors of texts and keeps them, so that a text that many users have is encoded once. */
export class KeptVectors {
  readonly width: number;
  readonly #vectors: TextVectors;
  readonly #kept = new Map<string, Float32Array>();

  constructor(vectors: TextVectors) {
    this.width = vectors.width;
    this.#vectors = vectors;
  }

  /** Writes the texts' vectors one behind the other into `out`. */
  async write(texts: readonly string[], out: Float32Array): Promise<void> {
    const { width } = this;
    // A text's vector is the same however often it is computed: what is forgotten costs time alone.
    if ((this.#kept.size + texts.length) * width > KEPT) this.#kept.clear();
    const missing = texts.filter((text) => !this.#kept.has(text));
    if (missing.length > 0) {
      const vectors = await this.#vectors.of(missing);
      missing.forEach((text, i) => {
        this.#kept.set(text, vectors.subarray(i * width, (i + 1) * width));
      });
    }
    texts.forEach((text, i) => {
      out.set(this.#kept.get(text)!, i * width);
    });
  }

  close(): Promise<void> {
    return this.#vectors.close();
  }
}
