import type { Config } from '../../config/index.ts';
import type { Graph } from '../../engine/onnx/index.ts';
import type { TextEncoderModel, TextTokenizer } from '../../engine/text/index.ts';
import type { CurvePoint } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';

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

/** The texts of labelled rows, and the encoder that is to be fine-tuned on them. */
export interface RowTexts {
  /** Per row: its texts as one, '' where it has none. */
  readonly texts: readonly string[];
  readonly encoder: TextEncoderModel;
  /** All that decides what the encoder is. */
  readonly id: string;
  /** Has the shop brought it? Else it is a small one, made from training texts. */
  readonly brought: boolean;
  /** Are single characters its tokens, as in scripts without spaces? */
  readonly characters: boolean;
  /** Word pieces of a row that are read. */
  readonly maxLength: number;
  /** Files that the tokenizer is made from. */
  readonly files: ModelFiles;
  /** Loss of the encoder's pretraining; empty for one that was brought. */
  readonly pretraining: CurvePoint[];
}

/**
 * A visit as ids of one embedding table. Each visit has one id in each field, and up to `ITEM_SLOTS` items; the field's
 * ids follow one another in the table, id 0 stands for "nothing here".
 */
export interface VisitVocabulary {
  /** The most frequent items of the training part, most frequent first. */
  readonly items: readonly string[];
  /** Upper edges of the spend buckets in minor units, quantiles of the training part. */
  readonly spendEdges: readonly number[];
  /**
   * So many classes of popularity stand for the items, as in an encoder that several shops use; absent where each item has
   * an id of its own.
   */
  readonly classes?: number;
}

/** An encoder of visits that was pretrained on another shop's. */
export interface BroughtEncoder {
  /** What it was made as; `ids` are the rows of its table. */
  readonly shape: {
    readonly reader: NonNullable<Config['model']['sequence']>;
    readonly ids: number;
    readonly width: number;
    readonly layers: number;
    /** Of the Transformer. */
    readonly heads: number;
  };
  readonly parameters: Readonly<Record<string, Float32Array>>;
}

/** The last visits of the rows that a model is fitted on. */
export interface VisitMaterial {
  /** (count, length, VISIT_FIELDS), oldest first, zeros behind the last. */
  readonly ids: Int32Array;
  /** Visits of each row, at most `length`. */
  readonly counts: Int32Array;
  readonly length: number;
  readonly vocabulary: VisitVocabulary;
  /** Row numbers that were known by the day of the fit: a pretraining learns from them, whatever their outcome. */
  readonly known: Int32Array;
  /** Absent where the config names none. */
  readonly brought?: BroughtEncoder;
}
