import type { Config, MODEL_FAMILIES } from '../../config/index.ts';
import type { CurvePoint, FitStore } from '../../engine/train/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { Progress, TaskStrengths } from '../shared/index.ts';
import type { Head, JointAnswers } from './heads.ts';
import type { InputTransform } from './inputs.ts';
import type { RowTexts, TextMaterial, VisitMaterial, VisitVocabulary } from './material.ts';

/**
 * A form of model. What a family of tasks offers to choose from is a list of these: each is fitted on the same material
 * and judged on the same held-out rows. Training, scoring, reasons and report know no more of a model than what stands
 * here.
 */
export interface Candidate {
  readonly name: string;
  /** Its kind, as `model.families` of a config names it; a floor is there to be beaten and never kept. Absent: always tried. */
  readonly family?: (typeof MODEL_FAMILIES)[number] | 'floor';
  /** Kinds of input that it reads, in the words of the report: features, visits, texts. */
  readonly reads: readonly string[];
  /**
   * What it is a dearer form of: it takes the place of that one in a blend where that is clearly better. It is fitted at one
   * validation alone.
   */
  readonly formOf?: Candidate;
  /**
   * Can it be fitted on this material, and is it worth it?
   * @param judged those before it in the list, with their losses
   */
  applies(material: Material, judged: readonly Judged[]): boolean;
  /**
   * Fits it. Everything it learns from stands in the material.
   * @param earlier fitted on the same material: one that goes on from another takes it
   */
  fit(material: Material, earlier?: readonly Fitting[]): Promise<Fitted>;
}

export interface Fitting {
  readonly candidate: Candidate;
  readonly fitted: Fitted;
}

/** A fitted candidate with its loss on held-out rows. */
export interface Judged extends Fitting {
  readonly loss: number;
}

/** A fitted candidate. Row numbers are those of the material it was fitted on. */
export interface Fitted {
  /** How the loss fell; empty where there are no steps. */
  readonly curve: readonly CurvePoint[];
  /** The same of a pretraining. */
  readonly pretraining: readonly CurvePoint[];
  /** What there is to say of the fit, one sentence each. */
  readonly notes?: readonly string[];
  /** Logits of the tasks: (rows.length, tasks), NaN for a task that it cannot answer. See `JointAnswers` for what they are else. */
  logits(rows: Int32Array): Promise<Float32Array>;
  /** What moves the scores of each task over these rows; nothing for a task that it cannot answer. */
  strengths(rows: Int32Array): Promise<TaskStrengths[]>;
  /** The model that is kept. */
  exported(): ExportedModel;
}

/** What a model is kept as, and what scoring must know beside the graph. */
export interface ExportedModel {
  /**
   * An ONNX file. Inputs: `features` (batch, width) raw, and what it reads of visits and texts. Outputs: `logits` (batch,
   * tasks) and `reasons` (batch, tasks, groups + columns behind them), signed parts of the logit.
   */
  readonly model: Uint8Array;
  /** What the first columns of `reasons` stand for; those behind them are of visits and texts, see `reasonNames`. */
  readonly groups: readonly string[];
  /** Null where the graph has no input `tokens`, the ids of visits. */
  readonly sequence: { readonly vocabulary: VisitVocabulary; readonly length: number } | null;
  /** Absent where the graph reads no texts. */
  readonly text?: {
    readonly places: number;
    /** Word pieces of a text. */
    readonly maxLength: number;
    /** Loss of the encoder's pretraining on the shop's own texts; empty for one that the shop brought. */
    readonly pretraining: CurvePoint[];
    /** Where it was trained with the model: how, and what merging it into the weights changed. */
    readonly lora?: {
      readonly rank: number;
      readonly alpha: number;
      readonly targets: readonly string[];
      /** The largest difference that merging made to a coordinate of a vector. */
      readonly maxDifference: number;
    };
  };
  /** Where the graph reads the tokens of a row's texts: `input_ids` (batch, sequence) and what else its encoder reads. */
  readonly rowTexts?: {
    /** Word pieces of a row. */
    readonly maxLength: number;
    /** Loss of the encoder's pretraining; empty for one that was brought. */
    readonly pretraining: CurvePoint[];
  };
  /** Files that scoring needs beside the graph, such as a tokenizer's. */
  readonly files: ModelFiles;
}

/** Features chosen and standardised. */
export interface Standardised {
  /** (count, kept): one row each; filled for `used`. */
  readonly inputs: Float32Array;
  /** The same as a transform of raw features, for scoring. */
  readonly transform: InputTransform;
}

/**
 * How much data there is for a task: enough; few, so that what is believed beforehand takes part; or too few to learn from, so
 * that nothing else answers.
 */
export type Amount = 'enough' | 'few' | 'too few';

/** What candidates are fitted on: rows with their outcomes, made by a family from what was known on some day. */
export interface Material extends Standardised {
  readonly config: Config;
  readonly heads: readonly Head[];
  /** Absent where each head asks yes or no by itself. A candidate that cannot answer so does not apply. */
  readonly answers?: JointAnswers;
  /** (count, width) raw features: the input `features` of the scoring graph. */
  readonly features: Float32Array;
  readonly width: number;
  /** Name and group of every feature. */
  readonly names: readonly { readonly name: string; readonly group: string }[];
  /** (count, bins): 1 or 0, NaN where an outcome is not known; of a number as `JointAnswers` says. */
  readonly labels: Float32Array;
  /** Row numbers that a fit may learn from. */
  readonly used: Int32Array;
  /** How much each of their outcomes counts, (used.length, bins): 0 where one must not be used. */
  readonly weights: Float32Array;
  /** The features by the statistics of all rows; absent where `inputs` are just that, not each cut-off by its own. */
  readonly overall?: Standardised;
  /**
   * (count, tasks): 1 or 0, NaN where the whole window was not over by the day of the fit, or the row is not asked. What
   * has happened in a window that is still open does not stand here: it would count those who did and not those who did not.
   */
  readonly outcomes: Float32Array;
  /** Per head, how much there is to learn from; absent where that is no question. */
  readonly data?: readonly Amount[];
  /** A number in [0, 1) per row, the same for all rows of a user: for folds. */
  readonly unit: Float32Array;
  /** Gradient steps of a fit from scratch. */
  readonly steps: number;
  /** A network may read the inputs in pieces, so that it can bend where a tree would split. */
  readonly piecewise: boolean;
  /** Absent where there are no visits, or they are not to be read. */
  readonly visits?: VisitMaterial;
  /** Absent where there are no texts. */
  readonly texts?: TextMaterial;
  /** Of labelled rows; absent where they have no texts, or these are not to be read by an encoder. */
  readonly rowTexts?: RowTexts;
  readonly progress: Progress;
  /** Keeps the fits for a training that is started again. */
  readonly fits?: FitStore | undefined;
}
