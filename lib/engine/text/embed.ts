import { encodeModel, type Graph, GraphBuilder, selectOutputs } from '../onnx/index.ts';
import { openSession } from '../train/index.ts';
import { type LengthBucket, lengthBuckets } from './buckets.ts';
import { encoderFeeds, encoderOfShape, type TextModel, textAxes } from './encoder.ts';
import { TextError } from './errors.ts';
import { type Pooling, pool, textMask } from './pooling.ts';
import { padRows, type TokenizedTexts } from './tokenizer.ts';

export interface EmbedOptions {
  /** Texts of one run. 32 */
  readonly batchSize?: number;
  /** Threads of the runtime. 1 */
  readonly threads?: number;
  /** Texts are cut to so many tokens; the encoder's own limit by default. */
  readonly maxLength?: number;
  /** 'mean' */
  readonly pooling?: Pooling;
  readonly onProgress?: (done: number, of: number) => void;
}

/** Name of the pooled output in graphs made here. */
export const EMBEDDING = 'text.embedding';

/** The encoder with its hidden states pooled: output `text.embedding` (batch, width). */
export function embeddingGraph(encoder: TextModel, pooling: Pooling = 'mean'): Graph {
  const { graph, hidden } = encoder;
  const g = GraphBuilder.from(graph);
  const states = { name: hidden, ...graph.values.get(hidden)! };
  g.output(
    EMBEDDING,
    pool(g, states, () => textMask(g, graph), pooling),
  );
  return selectOutputs(g.build(), [EMBEDDING]);
}

/**
 * A vector for each text, row i for texts[i]: (texts, width). Equal texts are encoded once. Texts are sorted by length
 * into buckets, each with a session of its own that is closed before the next opens, so memory stays flat.
 * @throws TextError when maxLength is out of range; GraphError, SessionError when the encoder cannot be run
 */
export async function embedTexts(
  encoder: TextModel,
  texts: readonly string[],
  options: EmbedOptions = {},
): Promise<Float32Array> {
  const {
    batchSize = 32,
    threads = 1,
    maxLength = encoder.maxLength,
    pooling = 'mean',
    onProgress,
  } = options;
  if (maxLength > encoder.maxLength) {
    throw new TextError(
      `maxLength ${maxLength} is more than the ${encoder.maxLength} tokens that the encoder takes`,
    );
  }
  const rowOf = new Map<string, number>();
  for (const text of texts) if (!rowOf.has(text)) rowOf.set(text, rowOf.size);
  const distinct = [...rowOf.keys()];
  const tokenized = encoder.tokenizer.tokenize(distinct, { maxLength });
  const { width } = encoder;
  const vectors = new Float32Array(distinct.length * width);
  const graph = embeddingGraph(encoder, pooling);
  let done = 0;
  for await (const { rows, values } of runBuckets(encoder, graph, EMBEDDING, tokenized, {
    batchSize,
    threads,
  })) {
    rows.forEach((row, i) => {
      vectors.set(values.subarray(i * width, (i + 1) * width), row * width);
    });
    done += rows.length;
    onProgress?.(done, distinct.length);
  }
  if (distinct.length === texts.length) return vectors;
  const all = new Float32Array(texts.length * width);
  texts.forEach((text, i) => {
    const row = rowOf.get(text)!;
    all.set(vectors.subarray(row * width, (row + 1) * width), i * width);
  });
  return all;
}

/**
 * Runs a graph over an encoder's inputs on all texts, bucket by bucket.
 * @param output float output (batch, …) to fetch; values of the rows that only fill up a batch are left out
 */
export async function* runBuckets(
  encoder: Pick<TextModel, 'tokenizer' | 'maxLength'>,
  graph: Graph,
  output: string,
  texts: TokenizedTexts,
  { batchSize, threads }: { batchSize: number; threads: number },
): AsyncGenerator<{ rows: Int32Array; values: Float32Array }> {
  const axes = textAxes(graph);
  const size = typeof axes.batch === 'number' ? axes.batch : batchSize;
  const buckets: readonly LengthBucket[] =
    typeof axes.sequence === 'number'
      ? [{ length: axes.sequence, rows: Int32Array.from({ length: texts.offsets.length - 1 }, (_, i) => i) }]
      : lengthBuckets(texts, encoder.maxLength, batchSize);
  for (const { length, rows } of buckets) {
    if (rows.length === 0) continue;
    const batch = typeof axes.batch === 'number' ? size : Math.min(size, rows.length);
    const model = encodeModel(encoderOfShape(graph, batch, length), { parametersAs: 'initializers' });
    const session = await openSession(model, { threads });
    try {
      const batches = function* () {
        for (let start = 0; start < rows.length; start += batch) {
          const chosen = Int32Array.from(
            { length: batch },
            (_, i) => rows[Math.min(start + i, rows.length - 1)]!,
          );
          yield encoderFeeds(graph, padRows(texts, chosen, length, encoder.tokenizer.padId));
        }
      };
      let start = 0;
      for await (const outputs of session.runAll(batches(), { outputs: [output], transfer: true })) {
        const values = outputs[output]!;
        const own = rows.subarray(start, start + batch);
        const each = values.data.length / batch;
        yield { rows: own, values: (values.data as Float32Array).subarray(0, own.length * each) };
        start += batch;
      }
    } finally {
      await session.close();
    }
  }
}
