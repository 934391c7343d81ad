import { type Graph, GraphBuilder, tensor, type Value } from '../onnx/index.ts';
import type { CategoryEncoding } from './categories.ts';
import { TreeError } from './errors.ts';
import { endOf, type TreeModel } from './model.ts';
import { pathParts } from './path-parts.ts';

/**
 * A model as a graph of its own for the runtime: `values` (batch, columns) float32 as in training (NaN is missing,
 * categorical columns hold codes) -> `raw` (batch, outputs), as `predictRaw` but summed in float32, and `probability`
 * (batch, outputs), as `predictProbabilities`.
 */
export function treeGraph(model: TreeModel, name = 'trees'): Graph {
  const g = new GraphBuilder(name);
  const raw = treeScores(g, model, g.input('values', 'float32', ['batch', model.columns]));
  g.output('raw', raw);
  g.output('probability', predicted(g, model, raw));
  return g.build();
}

function predicted(g: GraphBuilder, { raw: kind }: TreeModel, raw: Value): Value {
  switch (kind) {
    case 'logit':
      return g.sigmoid(raw);
    case 'class logits':
      return g.softmax(raw);
    case 'log value':
      return g.exp(raw);
    default:
      return raw;
  }
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
  return g.op('TreeEnsembleRegressor', [withEncodedColumns(g, model, x)], {
    ...branches(model),
    ...leafTargets(model, (node, tree) => [[model.target[tree]!, model.value[node]!]]),
    n_targets: model.outputs,
    base_values: [...model.base],
  });
}

/**
 * What groups of columns add to the raw scores, as a second ensemble over the same trees: on its way down a tree the mean
 * score of the training rows changes from node to node, and each change is credited to the column that is split on (path
 * attributions; Saabas 2014). They need the leaf alone, where Shapley values (`treeShap`) depend on every split; both sum
 * with the expected score to the raw score.
 * @param x (batch, columns), as for `treeScores`
 * @param groupOf the group of each column, from 0
 * @returns (batch, outputs, groups)
 * @throws TreeError when there is not one group a column
 */
export function treeParts(
  g: GraphBuilder,
  model: TreeModel,
  x: Value,
  groupOf: readonly number[],
  groups: number,
): Value {
  if (groupOf.length !== model.columns || groupOf.some((group) => !(group >= 0 && group < groups))) {
    throw new TreeError(
      `${groupOf.length} groups of columns are given, each expected below ${groups}; the model has ${model.columns} columns`,
    );
  }
  const parts = pathParts(model, groupOf);
  const flat = g.op('TreeEnsembleRegressor', [withEncodedColumns(g, model, x)], {
    ...branches(model),
    ...leafTargets(model, (node, tree) =>
      [...parts.of(node)].map(([group, part]) => [model.target[tree]! * groups + group, part]),
    ),
    n_targets: model.outputs * groups,
    base_values: new Array<number>(model.outputs * groups).fill(0),
  });
  return g.reshape(flat, [-1, model.outputs, groups]);
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

type Attributes = Record<string, number | string | number[] | string[]>;

const isLeaf = (model: TreeModel, node: number): boolean => model.feature[node]! < 0;

/** Per node, its tree. */
function treesOf(model: TreeModel): Int32Array {
  const trees = new Int32Array(model.feature.length);
  model.roots.forEach((root, tree) => void trees.fill(tree, root, endOf(model, tree)));
  return trees;
}

/** The nodes of all trees and where rows go at them. */
function branches(model: TreeModel): Attributes {
  const trees = treesOf(model);
  const start = (node: number): number => model.roots[trees[node]!]!;
  const each = <T>(of: (node: number) => T): T[] =>
    Array.from({ length: model.feature.length }, (_, node) => of(node));
  const child = (of: Int32Array) => each((node) => (isLeaf(model, node) ? 0 : of[node]! - start(node)));
  return {
    nodes_treeids: [...trees],
    nodes_nodeids: each((node) => node - start(node)),
    nodes_featureids: each((node) => Math.max(0, model.feature[node]!)),
    nodes_values: [...model.threshold],
    nodes_modes: each((node) => (isLeaf(model, node) ? 'LEAF' : 'BRANCH_LEQ')),
    nodes_truenodeids: child(model.left),
    nodes_falsenodeids: child(model.right),
    nodes_missing_value_tracks_true: [...model.missingLeft],
  };
}

/** What each leaf adds to which targets. */
function leafTargets(
  model: TreeModel,
  of: (leaf: number, tree: number) => readonly (readonly [target: number, weight: number])[],
): Attributes {
  const trees = treesOf(model);
  const attributes = {
    target_treeids: [] as number[],
    target_nodeids: [] as number[],
    target_ids: [] as number[],
    target_weights: [] as number[],
  };
  for (let node = 0; node < trees.length; node++) {
    if (!isLeaf(model, node)) continue;
    const tree = trees[node]!;
    for (const [target, weight] of of(node, tree)) {
      attributes.target_treeids.push(tree);
      attributes.target_nodeids.push(node - model.roots[tree]!);
      attributes.target_ids.push(target);
      attributes.target_weights.push(weight);
    }
  }
  return attributes;
}
