import type { OpType } from '../../onnx/index.ts';
import type { GradientRule } from '../rule.ts';
import { convolutionRules } from './convolution.ts';
import { elementwiseRules } from './elementwise.ts';
import { indexingRules } from './indexing.ts';
import { matrixRules } from './matrix.ts';
import { movementRules } from './movement.ts';
import { quantisedRules } from './quantised.ts';
import { recurrentRules } from './recurrent.ts';
import { reductionRules } from './reduction.ts';
import { treeRules } from './trees.ts';

/** One rule per operator of the table in lib/engine/onnx: an operator without one does not compile. */
export const gradientRules: Readonly<Record<OpType, GradientRule>> = {
  ...elementwiseRules,
  ...matrixRules,
  ...reductionRules,
  ...movementRules,
  ...indexingRules,
  ...convolutionRules,
  ...recurrentRules,
  ...quantisedRules,
  ...treeRules,
};
