import type { Config } from '../../config/index.ts';
import type { Graph } from '../../engine/onnx/index.ts';
import type { CurvePoint, FitStore } from '../../engine/train/index.ts';
import type { Head, PropensityShape } from '../candidates/network/graph.ts';
import type { Parameters } from '../candidates/network/fit.ts';
import type { pretrainEncoder } from '../candidates/network/visits/pretrain.ts';
import type { TextData } from '../candidates/network/texts/feeds.ts';
import type { UserRows } from './row-table.ts';
import type { TextMaterial } from '../candidates/network/texts/tune.ts';
import type { Survey } from './user-rows.ts';

/** Tells how far a training is. */
export type Progress = (text: string) => void;

/** Branches of a candidate model. */
export interface Candidate {
  readonly name: string;
  readonly mlp: boolean;
  readonly sequence: boolean;
  readonly text: boolean;
  /** The text encoder is trained too. */
  readonly tuned?: boolean;
}

/** What a fit works on. */
export interface Material {
  readonly config: Config;
  readonly heads: readonly Head[];
  readonly rows: UserRows;
  readonly survey: Survey;
  /** Visits of a row that the sequence branch reads. */
  readonly length: number;
  /** The rows' texts; undefined where none are read. */
  readonly text?: TextMaterial | undefined;
  readonly progress: Progress;
  readonly fits?: FitStore | undefined;
}

/** A fitted candidate. */
export interface Fitted {
  readonly shape: PropensityShape;
  readonly parameters: Parameters;
  /** As the shape's sequence reads them. */
  readonly tokens: Int32Array;
  /** As the shape's text branch reads them. */
  readonly text?: TextData | undefined;
  /** The encoder that makes their vectors. */
  readonly encoder?: Graph | undefined;
  /** What was trained in it, and the largest difference that merging it made to a coordinate of a vector. */
  readonly lora?: {
    readonly rank: number;
    readonly alpha: number;
    readonly targets: readonly string[];
    readonly maxDifference: number;
  };
  readonly rows: number;
  readonly curve: CurvePoint[];
  readonly pretraining: CurvePoint[];
  /** The sequence encoder after pretraining. */
  readonly pretrained?: Pretrained | undefined;
}

export type Pretrained = Awaited<ReturnType<typeof pretrainEncoder>>;
