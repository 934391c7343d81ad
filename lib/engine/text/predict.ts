import { encodeModel, selectOutputs } from '../onnx/index.ts';
import type { TextClassifier } from './classifier.ts';
import { SCORING_LOGITS } from './classifier-model.ts';
import { runBuckets } from './embed.ts';

export interface TextPredictions {
  /** (texts, classes) */
  readonly probabilities: Float32Array;
  /** The class of each text: the most probable, or by the threshold where there are two. */
  readonly labels: string[];
}

/** A fitted classifier, as far as it tells anything of texts. */
type Telling = Pick<TextClassifier, 'classes' | 'graph' | 'tokenizer' | 'maxLength'>;

/** Logits of each text, (texts, classes): logarithms of its chances up to a number per text. @throws what the runtime does */
export const classifierLogits = (
  classifier: Telling,
  texts: readonly string[],
  options: RunOptions = {},
): Promise<Float32Array> => valuesOf(classifier, SCORING_LOGITS, texts, options);

interface RunOptions {
  /** Texts of one run. 32 */
  readonly batchSize?: number;
  /** 1 */
  readonly threads?: number;
}

async function valuesOf(
  classifier: Telling,
  output: string,
  texts: readonly string[],
  { batchSize = 32, threads = 1 }: RunOptions,
): Promise<Float32Array> {
  const { classes, graph, tokenizer, maxLength } = classifier;
  const width = classes.length;
  const all = new Float32Array(texts.length * width);
  const tokenized = tokenizer.tokenize(texts, { maxLength });
  const asked = selectOutputs(graph, [output]);
  for await (const { rows, values } of runBuckets(classifier, asked, output, tokenized, {
    batchSize,
    threads,
  })) {
    rows.forEach((row, i) => {
      all.set(values.subarray(i * width, (i + 1) * width), row * width);
    });
  }
  return all;
}

/** Probabilities and class of each text. @throws what the runtime does */
export async function predictTexts(
  classifier: Telling & Pick<TextClassifier, 'threshold'>,
  texts: readonly string[],
  options: RunOptions = {},
): Promise<TextPredictions> {
  const { classes, threshold } = classifier;
  const probabilities = await valuesOf(classifier, 'probabilities', texts, options);
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
