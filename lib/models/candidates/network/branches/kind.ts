import type { Graph } from '../../../../engine/onnx/index.ts';
import type { CurvePoint } from '../../../../engine/train/index.ts';
import type { Material } from '../../candidate.ts';
import type { VisitVocabulary } from '../../material.ts';
import type { ParameterValues } from '../parameters.ts';
import type { Branch } from './branch.ts';
import type { BranchRows } from './rows.ts';

/** A branch made for some material. */
export interface Grown {
  /** Name of the kind that made it. */
  readonly kind: string;
  readonly branch: Branch;
  /** What it reads of the material's rows. */
  readonly rows?: BranchRows;
  /** What some of its parameters start from; undefined: as they are drawn. */
  readonly pretrained?: Pretrained;
  /** By which vocabulary it reads visits, if it does. */
  readonly vocabulary?: VisitVocabulary;
  /** What makes one of its inputs, and is part of the model that scores. */
  readonly encoder?: Graph;
}

/** Parameters after pretraining, and its curve. */
export interface Pretrained {
  readonly parameters: ParameterValues;
  readonly curve: CurvePoint[];
}

/** A kind of branch: how one comes into a network that is fitted. One file each; networks are made of them. */
export interface BranchKind {
  readonly name: string;
  /** What it reads beside the features, in the words of the report. */
  readonly reads?: string;
  /** Does the material hold what it reads? */
  applies(material: Material): boolean;
  /** @param earlier pretrained parameters of the same kind on the same rows */
  grow(material: Material, earlier?: Pretrained): Promise<Grown>;
  /** How a network goes on when this branch joins it: its share of the steps, and of the learning rate. */
  readonly joins?: { readonly steps: number; readonly rate: number };
}
