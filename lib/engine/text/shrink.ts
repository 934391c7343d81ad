import { encodeModel, type Graph, importModel, quantise } from '../onnx/index.ts';
import { type EmbedOptions, embedTexts } from './embed.ts';
import type { TextModel } from './encoder.ts';
import { TextError } from './errors.ts';

/** How weights are stored: halved, computed with in float32; or a quarter, products in 8 bits. */
export type SmallWeights = 'float16' | 'int8';

/** What smaller weights change in the vectors of texts. */
export interface ShrinkCost {
  /** Distinct texts that were compared. */
  readonly texts: number;
  /** Cosine of a text's vector before and after: 1 is no change. */
  readonly meanCosine: number;
  readonly leastCosine: number;
  /** Largest absolute difference of a component. */
  readonly maxDifference: number;
}

export interface ShrunkEncoder {
  /** The model file. */
  readonly model: Uint8Array;
  /** Bytes of the model with float32 weights. */
  readonly bytesBefore: number;
  /** Absent where no texts were given to measure it with. */
  readonly cost?: ShrinkCost;
}

/**
 * The encoder's model with smaller weights for scoring, and what that costs on some texts. Train with the original.
 * @throws TextError when nothing in the model can be made smaller; GraphError when it is quantised already or a weight
 * is beyond float16; what `embedTexts` throws
 */
export async function shrinkEncoder(
  encoder: TextModel,
  weights: SmallWeights,
  texts: readonly string[],
  options: EmbedOptions = {},
): Promise<ShrunkEncoder> {
  const before = encodeModel(encoder.graph, { parametersAs: 'initializers' });
  const model =
    weights === 'int8'
      ? encodeModel(quantise(encoder.graph), { parametersAs: 'initializers' })
      : encodeModel(encoder.graph, { parametersAs: 'initializers', weights });
  if (model.length >= before.length)
    throw new TextError(
      `no weight of the model can be stored as ${weights}: it would stay ${before.length} bytes`,
    );
  if (texts.length === 0) return { model, bytesBefore: before.length };
  const graph: Graph = weights === 'int8' ? quantise(encoder.graph) : importModel(model);
  const distinct = [...new Set(texts)];
  const exact = await embedTexts(encoder, distinct, options);
  const small = await embedTexts({ ...encoder, graph }, distinct, options);
  return { model, bytesBefore: before.length, cost: compare(exact, small, distinct.length) };
}

function compare(exact: Float32Array, small: Float32Array, texts: number): ShrinkCost {
  const width = exact.length / texts;
  let [sum, least, most] = [0, 1, 0];
  for (let text = 0; text < texts; text++) {
    let [dot, left, right] = [0, 0, 0];
    for (let i = text * width; i < (text + 1) * width; i++) {
      const [a, b] = [exact[i]!, small[i]!];
      dot += a * b;
      left += a * a;
      right += b * b;
      most = Math.max(most, Math.abs(a - b));
    }
    const cosine = dot / (Math.sqrt(left * right) || 1);
    sum += cosine;
    least = Math.min(least, cosine);
  }
  return { texts, meanCosine: sum / texts, leastCosine: least, maxDifference: most };
}
