import type { Dim } from './dims.ts';
import type { DType } from './tensor.ts';

/** What is known of a value before it is computed. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

export type Attribute = number | string | readonly number[] | readonly string[];
export type Attributes = Readonly<Record<string, Attribute>>;
