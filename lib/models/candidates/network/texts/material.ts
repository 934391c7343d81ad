import type { Graph } from '../../../../engine/onnx/index.ts';
import type { TextTokenizer } from '../../../../engine/text/index.ts';
import type { CurvePoint } from '../../../../engine/train/index.ts';
import type { ModelFiles } from '../../../../registry/index.ts';

/** Texts, and how they become vectors. */
export interface EncodedTexts {
  /** From word pieces to vectors, see `vectorsGraph`. */
  readonly graph: Graph;
  readonly tokenizer: TextTokenizer;
  /** Word pieces of a text that are read. */
  readonly maxLength: number;
  /** Texts by number. */
  readonly texts: readonly string[];
  /** Their vectors by the graph, (texts, width). */
  readonly vectors: Float32Array;
  readonly width: number;
}

/** The recent texts of the rows that a model is fitted on. */
export interface TextMaterial extends EncodedTexts {
  /** (count, places, TEXT_FIELDS); numbers of texts count from 1. */
  readonly rows: Int32Array;
  readonly places: number;
  /** What a text may be, see `TextShape`. */
  readonly kinds: number;
  /** Files that the tokenizer is made from: a model that reads texts carries them. */
  readonly files: ModelFiles;
  /** Loss of the encoder's pretraining on the shop's own texts; empty for one that was brought. */
  readonly pretraining: CurvePoint[];
}
