import { type Graph, GraphBuilder, tensor, type Value } from '../onnx/index.ts';
import type { CategoryEncoding } from './categories.ts';
import { TreeError } from './errors.ts';
import { endOf, type TreeModel } from './model.ts';

/**
 * A model as a graph of its own for the runtime: `values` (batch, columns) float32 as in training (NaN is missing,
 * categorical columns hold codes) -> `raw` (batch, outputs), as `predictRaw` but summed in float32, and `probability`
 * (batch, outputs), as `predictProbabilities`.
 */
export function treeGraph(model: TreeModel, name = 'trees'): Graph {
  const g = new GraphBuilder(name);
  const raw = treeScores(g, model, g.input('values', 'float32', ['batch', model.columns]));
  g.output('raw', raw);
  g.output(
    'probability',
    model.raw === 'logit' ? g.sigmoid(raw) : model.raw === 'class logits' ? g.softmax(raw) : raw,
  );
  return g.build();
}

/**
 * Adds a model to a graph: x (batch, columns) float32 -> raw scores (batch, outputs). Categories are looked up by ordinary
 * operators, the trees are one TreeEnsembleRegressor (ai.onnx.ml 3). Thresholds are float32, so every row takes the same
 * way as in `predictRaw`.
 * @throws TreeError when x has other columns
 */
export function treeScores(g: GraphBuilder, model: TreeModel, x: Value): Value {
  if (x.shape.length !== 2 || x.shape[1] !== model.columns) {
    throw new TreeError(
      `the trees' input ${x.name} has shape [${x.shape}]; [batch, ${model.columns}] is expected, the columns of the model`,
    );
  }
  return g.op('TreeEnsembleRegressor', [withEncodedColumns(g, model, x)], ensembleAttributes(model));
}

/** x with its categorical columns looked up. */
function withEncodedColumns(g: GraphBuilder, { categories, columns }: TreeModel, x: Value): Value {
  if (categories.length === 0) return x;
  const parts: Value[] = [];
  let next = 0;
  for (const encoding of [...categories].sort((a, b) => a.column - b.column)) {
    const { column } = encoding;
    if (column > next) parts.push(g.slice(x, 1, next, column));
    parts.push(lookedUp(g, encoding, g.slice(x, 1, column, column + 1)));
    next = column + 1;
  }
  if (next < columns) parts.push(g.slice(x, 1, next, columns));
  return g.concat(parts, 1);
}

/** codes (batch, 1) -> what stands for each: a gather from the codes' values, then unknown, then missing. */
function lookedUp(g: GraphBuilder, { values, missing, unknown }: CategoryEncoding, codes: Value): Value {
  const size = values.length;
  const table = g.constant(tensor('float32', [size + 2], [...values, unknown, missing]));
  const isWhole = g.equal(codes, g.op('Floor', [codes]));
  const isKnown = g.and(isWhole, g.and(g.greaterOrEqual(codes, 0), g.less(codes, size)));
  const index = g.where(g.op('IsNaN', [codes]), size + 1, g.where(isKnown, codes, size));
  return g.gather(table, g.cast(index, 'int64'));
}

function ensembleAttributes(model: TreeModel): Record<string, number | string | number[] | string[]> {
  const count = model.feature.length;
  const each = <T>(of: (node: number) => T): T[] => Array.from({ length: count }, (_, node) => of(node));
  const treeIds = new Array<number>(count);
  const starts = new Array<number>(count);
  model.roots.forEach((root, tree) => {
    treeIds.fill(tree, root, endOf(model, tree));
    starts.fill(root, root, endOf(model, tree));
  });
  const isLeaf = (node: number): boolean => model.feature[node]! < 0;
  const own = (node: number): number => node - starts[node]!;
  const leaves = each((node) => node).filter(isLeaf);
  return {
    n_targets: model.outputs,
    base_values: [...model.base],
    nodes_treeids: treeIds,
    nodes_nodeids: each(own),
    nodes_featureids: each((node) => Math.max(0, model.feature[node]!)),
    nodes_values: [...model.threshold],
    nodes_modes: each((node) => (isLeaf(node) ? 'LEAF' : 'BRANCH_LEQ')),
    nodes_truenodeids: each((node) => (isLeaf(node) ? 0 : model.left[node]! - starts[node]!)),
    nodes_falsenodeids: each((node) => (isLeaf(node) ? 0 : model.right[node]! - starts[node]!)),
    nodes_missing_value_tracks_true: [...model.missingLeft],
    target_treeids: leaves.map((node) => treeIds[node]!),
    target_nodeids: leaves.map(own),
    target_ids: leaves.map((node) => model.target[treeIds[node]!]!),
    target_weights: leaves.map((node) => model.value[node]!),
  };
}
