import { type Graph, GraphBuilder, type Value } from '../../engine/onnx/index.ts';
import { type TreeModel, treeParts, treeScores } from '../../engine/trees/index.ts';
import type { ValueTrees } from './fit.ts';

/**
 * The trees as one graph: `features` (batch, reads) -> `chance` (batch, 1), the logit of coming to anything; `size` and `total`
 * (batch, 1), logarithms; with groups `reasons` (batch, 1, groups), parts of the logarithm of what is expected. A model
 * without trees has outputs of 0.
 * @param groupOf the group of each place that is read
 * @param by 'parts' tells the reasons of chance and size together, 'total' those of the total
 */
export function valueGraph(
  trees: ValueTrees | undefined,
  reads: number,
  reasons?: { readonly groupOf: readonly number[]; readonly groups: number; readonly by: 'parts' | 'total' },
): Graph {
  const g = new GraphBuilder('value');
  const x = g.input('features', 'float32', ['batch', reads]);
  const nothing = g.mul(g.slice(x, 1, 0, 1), 0);
  const scores = (model: TreeModel | undefined): Value =>
    model ? treeScores(g, model, x) : g.op('Identity', [nothing]);
  const chance = scores(trees?.chance);
  g.output('chance', chance);
  g.output('size', scores(trees?.size));
  g.output('total', scores(trees?.total));
  if (reasons) {
    const { groupOf, groups, by } = reasons;
    const parts = (model: TreeModel) => treeParts(g, model, x, groupOf, groups);
    g.output('reasons', trees ? told(trees) : g.mul(g.unsqueeze(nothing, [2]), g.constant(zeros(groups))));
    function told(own: ValueTrees): Value {
      if (by === 'total') return parts(own.total);
      // log(p m) moves by (1 - p) with the logit of p, and by 1 with the logarithm of m.
      const rest = g.sub(1, g.sigmoid(chance));
      return g.add(g.mul(parts(own.chance), g.unsqueeze(rest, [2])), parts(own.size));
    }
  }
  return g.build();
}

const zeros = (n: number): number[] => new Array(n).fill(0);
