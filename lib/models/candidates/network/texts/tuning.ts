import { type Feeds, int32 } from '../../../../engine/host/index.ts';
import type { Graph } from '../../../../engine/onnx/index.ts';
import { encoderFeeds, padRows, roundedLength, type TokenizedTexts } from '../../../../engine/text/index.ts';
import { pickTexts, renumbered } from './feeds.ts';
import { TEXT_FIELDS, type TextShape } from './read.ts';

/** A text encoder that is trained with the model that reads its vectors. */
export interface TextTuning {
  /** As of `vectorsGraph`, with what is to be trained put into it. */
  readonly graph: Graph;
  /** Parameters of the graph that are trained; the others stay. */
  readonly train: readonly string[];
  /** Word pieces of every text by its number. */
  readonly pieces: TokenizedTexts;
  readonly padId: number;
}

/** The shape of a batch's distinct texts. */
export interface TextBatchShape {
  readonly variant: string;
  readonly texts: number;
  readonly pieces: number;
}

/** The fewest texts that a batch is filled up to. */
const FEWEST = 32;

/**
 * Shapes that the distinct texts of batches are filled up to: sizes double, so that padding stays below a half and few
 * programs are compiled.
 * @param most distinct texts of a batch
 */
export function textBatchShapes(most: number, { pieces }: Pick<TextTuning, 'pieces'>): TextBatchShape[] {
  let longest = 1;
  for (let i = 0; i + 1 < pieces.offsets.length; i++) {
    longest = Math.max(longest, pieces.offsets[i + 1]! - pieces.offsets[i]!);
  }
  const shapes: TextBatchShape[] = [];
  for (let texts = Math.min(most, FEWEST); ; texts = Math.min(most, 2 * texts)) {
    shapes.push({ variant: `texts-${texts}`, texts, pieces: roundedLength(longest) });
    if (texts === most) return shapes;
  }
}

/** A batch's texts and the word pieces of its distinct ones, filled up to the smallest shape that holds them. */
export function tunedFeeds(
  shape: TextShape,
  texts: Int32Array,
  rows: Int32Array,
  { graph, pieces, padId }: TextTuning,
  shapes: readonly TextBatchShape[],
): Feeds {
  const { own, distinct } = renumbered(pickTexts(shape, texts, rows));
  const { texts: size, pieces: length } = shapes.find((fits) => distinct.length <= fits.texts)!;
  const chosen = Int32Array.from({ length: size }, (_, i) => distinct[i] ?? distinct[0] ?? 0);
  return {
    texts: int32(own, [rows.length, shape.places, TEXT_FIELDS]),
    ...encoderFeeds(graph, padRows(pieces, chosen, length, padId)),
  };
}
