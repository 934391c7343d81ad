import { type Graph, GraphBuilder, type Value } from '../../engine/onnx/index.ts';
import { type InputTransform, transformInputs } from '../candidates/index.ts';
import type { LearntUplift } from './learn.ts';
import { SumGraph } from './sum-model.ts';

/**
 * The model as one graph: `features` (batch, width) -> `uplift`, `control`, `treated` (batch, 1), and with groups `reasons`
 * (batch, 1, groups), what each adds to the uplift. Expected chances are kept between 0 and 1.
 * @param reasons the group of each kept column
 */
export function upliftGraph(
  { effect, control, treated }: Pick<LearntUplift, 'effect' | 'control' | 'treated'>,
  { width, transform, binary }: { width: number; transform: InputTransform; binary: boolean },
  reasons?: { readonly groupOf: readonly number[]; readonly groups: number },
): Graph {
  const g = new GraphBuilder('uplift');
  const raw = g.input('features', 'float32', ['batch', width]);
  const sums = new SumGraph(g, transformInputs(g, raw, transform));
  const bounded = (value: Value) => (binary ? g.clip(value, 0, 1) : g.op('Identity', [value]));
  g.output('uplift', g.op('Identity', [sums.score(effect)]));
  g.output('control', bounded(sums.score(control)));
  g.output('treated', bounded(sums.score(treated)));
  if (reasons) {
    g.output('reasons', g.op('Identity', [sums.parts(effect, reasons.groupOf, reasons.groups)]));
  }
  return g.build();
}
