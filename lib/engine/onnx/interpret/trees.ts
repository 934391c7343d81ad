import { GraphError } from '../errors.ts';
import { intAttribute, listAttribute } from '../operators/spec.ts';
import { LEAF, type trees } from '../operators/trees.ts';
import { input, type Kernel, type KernelCall } from './kernel.ts';

/** A node: whose place among the nodes its branches lead to, or what a leaf adds. */
interface TreeNode {
  readonly feature: number;
  readonly value: number;
  readonly missingTrue: boolean;
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly adds: { readonly target: number; readonly weight: number }[] | undefined;
}

export const treeKernels: Record<keyof typeof trees, Kernel> = {
  TreeEnsembleRegressor: (call) => {
    const x = input(call, 0);
    const [rows, columns] = [x.shape[0]!, x.shape[1]!];
    const targets = intAttribute(call.attributes, 'n_targets', 1);
    const base = Float32Array.from(
      listAttribute(call.attributes, 'base_values') ?? new Array<number>(targets).fill(0),
    );
    const { nodes, roots } = readTrees(call);
    const data = new Float64Array(rows * targets);
    for (let row = 0; row < rows; row++) {
      data.set(base, row * targets);
      for (const root of roots) {
        let node = nodes[root]!;
        while (!node.adds) {
          const value = x.data[row * columns + node.feature]!;
          const isTrue = value <= node.value || (node.missingTrue && Number.isNaN(value));
          node = nodes[isTrue ? node.whenTrue : node.whenFalse]!;
        }
        for (const { target, weight } of node.adds) data[row * targets + target]! += weight;
      }
    }
    return [{ dtype: 'float32', shape: [rows, targets], data }];
  },
};

function readTrees({ attributes }: KernelCall): { nodes: TreeNode[]; roots: number[] } {
  const list = (name: string): readonly number[] => listAttribute(attributes, name)!;
  // float32 as in the file: whether x <= value must not depend on the decimals that it is read as
  const floats = (name: string): Float32Array => Float32Array.from(list(name));
  const modes = attributes.nodes_modes as readonly string[];
  const [treeIds, nodeIds] = [list('nodes_treeids'), list('nodes_nodeids')];
  const places = new Map(treeIds.map((tree, i) => [`${tree}:${nodeIds[i]}`, i]));
  const placeOf = (tree: number, node: number): number => {
    const place = places.get(`${tree}:${node}`);
    if (place === undefined) throw new GraphError(`Tree ${tree} has no node ${node}, to which it refers.`);
    return place;
  };
  const leafTrees = list('target_treeids');
  const leafNodes = list('target_nodeids');
  const leafTargets = list('target_ids');
  const leafWeights = floats('target_weights');
  const values = floats('nodes_values');
  const nodes = modes.map((mode, i): TreeNode => {
    const isLeaf = mode === LEAF;
    return {
      feature: list('nodes_featureids')[i]!,
      value: values[i]!,
      missingTrue: list('nodes_missing_value_tracks_true')[i] === 1,
      whenTrue: isLeaf ? i : placeOf(treeIds[i]!, list('nodes_truenodeids')[i]!),
      whenFalse: isLeaf ? i : placeOf(treeIds[i]!, list('nodes_falsenodeids')[i]!),
      adds: isLeaf ? [] : undefined,
    };
  });
  leafTrees.forEach((tree, i) => {
    const { adds } = nodes[placeOf(tree, leafNodes[i]!)]!;
    adds?.push({ target: leafTargets[i]!, weight: leafWeights[i]! });
  });
  const seen = new Set<number>();
  // a tree begins with its first node
  const roots = treeIds.flatMap((tree, i) => (seen.has(tree) ? [] : [seen.add(tree) && i]));
  return { nodes, roots };
}
