import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { indexing } from './indexing.ts';
import { matrix } from './matrix.ts';
import { movement } from './movement.ts';
import { quantised } from './quantised.ts';
import { recurrences } from './recurrent.ts';
import { reductions } from './reduction.ts';
import type { OperatorSpec } from './spec.ts';
import { trees } from './trees.ts';

/**
 * The operator table. The interpreter's kernels and the gradient rules are tables over the same keys, so an operator
 * added here does not compile until it has both.
 */
const table = {
  ...elementwise,
  ...matrix,
  ...movement,
  ...indexing,
  ...reductions,
  ...convolutions,
  ...recurrences,
  ...quantised,
  ...trees,
};

export type OpType = keyof typeof table;

export const operators: Readonly<Record<OpType, OperatorSpec>> = table;

export function isOpType(name: string): name is OpType {
  return Object.hasOwn(table, name);
}
