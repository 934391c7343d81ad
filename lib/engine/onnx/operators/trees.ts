import type { AttributeKind, InferContext, OperatorSpec } from './spec.ts';
import { listAttribute, stringAttribute } from './spec.ts';

/** Per node of all trees, beside each other. */
const NODE_LISTS = {
  nodes_treeids: 'ints',
  nodes_nodeids: 'ints',
  nodes_featureids: 'ints',
  nodes_values: 'floats',
  nodes_modes: 'strings',
  nodes_truenodeids: 'ints',
  nodes_falsenodeids: 'ints',
  nodes_missing_value_tracks_true: 'ints',
} as const satisfies Record<string, AttributeKind>;

/** Per value of a leaf. */
const LEAF_LISTS = {
  target_treeids: 'ints',
  target_nodeids: 'ints',
  target_ids: 'ints',
  target_weights: 'floats',
} as const satisfies Record<string, AttributeKind>;

/** Decisions that are ours to read: a branch goes to its true node if x <= value. */
const BRANCH = 'BRANCH_LEQ';
export const LEAF = 'LEAF';

function checkLengths(node: InferContext, names: readonly string[]): void {
  const first = node.attributes[names[0]!];
  const expected = Array.isArray(first) ? first.length : 0;
  for (const name of names) {
    const list = node.attributes[name];
    const length = Array.isArray(list) ? list.length : 0;
    if (length !== expected || length === 0) {
      node.fail(
        `${name} has ${length} elements and ${names[0]} ${expected}; the same number from 1 is expected`,
      );
    }
  }
}

/** Decision trees (domain ai.onnx.ml): for scoring, they have no gradient. */
export const trees = {
  /** x (rows, columns) -> per row and target the sum of the leaves that its trees lead to. */
  TreeEnsembleRegressor: {
    domain: 'ai.onnx.ml',
    inputs: [1, 1],
    attributes: {
      ...NODE_LISTS,
      ...LEAF_LISTS,
      n_targets: 'int',
      base_values: 'floats',
      aggregate_function: 'string',
      post_transform: 'string',
    },
    infer: (node) => {
      const { dtype, shape } = node.input(0);
      if (dtype !== 'float32' || shape.length !== 2)
        node.fail('a float32 tensor (rows, columns) is expected');
      checkLengths(node, Object.keys(NODE_LISTS));
      checkLengths(node, Object.keys(LEAF_LISTS));
      const modes = node.attributes.nodes_modes as readonly string[];
      const mode = modes.find((one) => one !== BRANCH && one !== LEAF);
      if (mode !== undefined) node.fail(`node mode ${mode} is not supported; ${BRANCH} and ${LEAF} are`);
      const sums = stringAttribute(node.attributes, 'aggregate_function', 'SUM');
      if (sums !== 'SUM') node.fail(`aggregate_function ${sums} is not supported; SUM is`);
      const transform = stringAttribute(node.attributes, 'post_transform', 'NONE');
      if (transform !== 'NONE') node.fail(`post_transform ${transform} is not supported; NONE is`);
      const targets = node.int('n_targets', 1);
      const base = listAttribute(node.attributes, 'base_values');
      if (base && base.length !== targets) {
        node.fail(`base_values has ${base.length} elements for ${targets} targets`);
      }
      return [{ dtype: 'float32', shape: [shape[0]!, targets] }];
    },
  },
} satisfies Record<string, OperatorSpec>;
