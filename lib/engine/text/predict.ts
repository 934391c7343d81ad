import { encodeModel } from '../onnx/index.ts';
import type { TextClassifier } from './classifier.ts';
import { runBuckets } from './embed.ts';

export interface TextPredictions {
  /** (texts, classes) */
  readonly probabilities: Float32Array;
  /** The class of each text: the most probable, or by the threshold where there are two. */
  readonly labels: string[];
}

/** Probabilities and class of each text. @throws what the runtime does */
export async function predictTexts(
  classifier: Pick<TextClassifier, 'classes' | 'graph' | 'tokenizer' | 'maxLength' | 'threshold'>,
  texts: readonly string[],
  { batchSize = 32, threads = 1 }: { batchSize?: number; threads?: number } = {},
): Promise<TextPredictions> {
  const { classes, graph, tokenizer, maxLength, threshold } = classifier;
  const tokenized = tokenizer.tokenize(texts, { maxLength });
  const probabilities = new Float32Array(texts.length * classes.length);
  for await (const { rows, values } of runBuckets(classifier, graph, 'probabilities', tokenized, {
    batchSize,
    threads,
  })) {
    rows.forEach((row, i) => {
      probabilities.set(values.subarray(i * classes.length, (i + 1) * classes.length), row * classes.length);
    });
  }
  const labels = texts.map((_, row) => {
    const own = probabilities.subarray(row * classes.length, (row + 1) * classes.length);
    if (threshold !== undefined) return classes[own[1]! >= threshold ? 1 : 0]!;
    return classes[own.indexOf(Math.max(...own))]!;
  });
  return { probabilities, labels };
}

/** A classifier's model file: one graph from token ids to probabilities. */
export const encodeClassifier = ({ graph }: Pick<TextClassifier, 'graph'>): Uint8Array =>
  encodeModel(graph, { parametersAs: 'initializers' });
