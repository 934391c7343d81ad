import type { Graph } from '../graph.ts';
import { gelu } from './gelu.ts';
import { guardedSoftmax } from './guarded-softmax.ts';
import { layerNorm, layerNormWithoutBias, plainLayerNorm } from './layer-norm.ts';
import { mergeEqual } from './merge-equal.ts';
import { productInputs, productScale, transposes } from './products.ts';
import { applyFusion, type Fusion } from './view.ts';

/** In this order: the longer pattern first. */
const FUSIONS: readonly Fusion[] = [
  layerNorm,
  layerNormWithoutBias,
  plainLayerNorm,
  gelu,
  guardedSoftmax,
  transposes,
  productScale,
  productInputs,
];

/**
 * The graph with what exporters write in pieces put back together: LayerNorm, GELU, attention's scales, transposes and guards.
 * Patterns are found by structure, never by name. Outputs and parameters stay as they are, and every result up to a
 * float's rounding. Fuse before differentiating: one operation forward is also one gradient rule, with fewer passes over
 * memory than the pieces' rules.
 */
export function fuse(graph: Graph): Graph {
  return mergeEqual(FUSIONS.reduce(applyFusion, mergeEqual(graph)));
}
