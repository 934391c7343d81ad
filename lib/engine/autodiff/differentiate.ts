import {
  broadcastShapes,
  type Dim,
  formatShape,
  type Graph,
  GraphBuilder,
  GraphError,
  type GraphNode,
  intAttribute,
  isFloat,
  removeDeadCode,
  type Shape,
  type Value,
} from '../onnx/index.ts';
import { everyOutput } from './rule.ts';
import { gradientRules } from './rules/index.ts';
import { sumLeading } from './sum-leading.ts';

export interface DifferentiateOptions {
  /** The value to differentiate: a float with one element. */
  readonly loss: string;
  /** By what: parameters, float inputs, or values that the graph computes (labelled, or outputs). */
  readonly wrt: readonly string[];
  /**
   * Parameters read by `gather` (axis 0) alone whose gradients are wanted per gathered row and not as a whole table: two
   * outputs each, ids (n) and rows (n, …), to be summed per id by `scatterRows`.
   */
  readonly rows?: readonly string[];
}

/** Name of the gradient by a value. */
export const gradientName = (name: string): string => `grad:${name}`;
/** Names of the row gradient's outputs. */
export const rowIdsName = (name: string): string => `grad-ids:${name}`;
export const rowsName = (name: string): string => `grad-rows:${name}`;

/**
 * Reverse-mode differentiation (Griewank & Walther 2008, ch. 3) of a graph into a graph: the original outputs, then one
 * output `grad:<name>` per name of `wrt`, of that value's shape, then `grad-ids:<name>` and `grad-rows:<name>` per name
 * of `rows`. Gradients are built only where one of these names needs them. Throws GraphError when the loss is no float
 * scalar, a name is unknown or no float, the loss does not depend on it, or an operation on the way has no gradient.
 */
export function differentiate(graph: Graph, { loss, wrt, rows = [] }: DifferentiateOptions): Graph {
  checkLoss(graph, loss);
  const sources = [...wrt, ...rows];
  for (const name of sources) checkSource(graph, name);
  const repeated = sources.find((name, i) => sources.indexOf(name) !== i);
  if (repeated !== undefined) throw new GraphError(`The gradient by ${repeated} is asked for twice.`);
  const g = GraphBuilder.from(graph);
  const walk = new BackwardWalk(g, graph, sources, new Set(rows));
  walk.run(loss);
  for (const name of wrt) g.output(gradientName(name), walk.gradientOf(name));
  for (const name of rows) {
    const { ids, rows: gathered } = walk.rowsOf(name);
    g.output(rowIdsName(name), ids);
    g.output(rowsName(name), gathered);
  }
  return removeDeadCode(g.build());
}

class BackwardWalk {
  readonly #g: GraphBuilder;
  readonly #graph: Graph;
  readonly #rowTables: ReadonlySet<string>;
  readonly #needed: ReadonlySet<string>;
  readonly #gradients = new Map<string, Value>();
  readonly #rows = new Map<string, { ids: Value; rows: Value }[]>();

  constructor(g: GraphBuilder, graph: Graph, sources: readonly string[], rowTables: ReadonlySet<string>) {
    this.#g = g;
    this.#graph = graph;
    this.#rowTables = rowTables;
    this.#needed = dependents(graph, sources);
  }

  /** From the loss to the sources, each node once, after all that use its results. */
  run(loss: string): void {
    const start = this.#g.value(loss);
    this.#gradients.set(
      loss,
      this.#fit(this.#g.constant(1, start.dtype === 'float64' ? 'float64' : 'float32'), start),
    );
    for (const node of [...this.#graph.nodes].reverse()) this.#g.scope('grad', () => this.#node(node));
  }

  gradientOf(name: string): Value {
    const gradient = this.#gradients.get(name);
    if (!gradient) {
      throw new GraphError(
        `The loss does not depend on ${name}; leave it out of the gradients, or use it in the graph.`,
      );
    }
    return gradient;
  }

  /** All gathered rows of a table, joined in the order of the graph. */
  rowsOf(name: string): { ids: Value; rows: Value } {
    const found = (this.#rows.get(name) ?? []).reverse();
    if (found.length === 0) throw new GraphError(`The loss does not depend on ${name} through a gather.`);
    return {
      ids: this.#g.concat(
        found.map(({ ids }) => ids),
        0,
      ),
      rows: this.#g.concat(
        found.map(({ rows }) => rows),
        0,
      ),
    };
  }

  #node(node: GraphNode): void {
    const dys = node.outputs.map((name) => this.#gradients.get(name));
    if (dys.every((dy) => dy === undefined)) return;
    if (!node.inputs.some((name) => this.#needed.has(name))) return;
    const rule = gradientRules[node.op];
    if (rule === 'none') return;
    const g = this.#g;
    if (!everyOutput.has(node.op) && dys.slice(1).some((later) => later !== undefined)) {
      throw new GraphError(
        `${node.name} (${node.op}): only its first output has a gradient, but the loss uses another.`,
      );
    }
    const x = node.inputs.map((name) => (name === '' ? undefined : g.value(name)));
    const y = node.outputs.map((name, i) =>
      name === '' ? g.ops(node.op, x, node.attributes, i + 1)[i]! : g.value(name),
    );
    const dy = dys[0] ?? g.zerosLike(y[0]!);
    const byInput = rule({ g, x, y, dy, dys, attributes: node.attributes });
    node.inputs.forEach((name, i) => {
      if (!this.#needed.has(name)) return;
      if (this.#rowTables.has(name)) {
        this.#recordRows(node, name, i, dy);
        return;
      }
      const gradient = byInput[i];
      if (!gradient)
        throw new GraphError(`${node.name} (${node.op}) has no gradient by its input ${i}, ${name}.`);
      this.#accumulate(name, this.#fit(gradient(), x[i]!));
    });
  }

  #accumulate(name: string, gradient: Value): void {
    const before = this.#gradients.get(name);
    this.#gradients.set(name, before ? this.#g.add(before, gradient) : gradient);
  }

  #recordRows(node: GraphNode, table: string, input: number, dy: Value): void {
    if (node.op !== 'Gather' || input !== 0 || intAttribute(node.attributes, 'axis', 0) !== 0) {
      throw new GraphError(
        `${table} is also read by ${node.name} (${node.op}), so its gradient is no list of rows; ask for it whole (wrt).`,
      );
    }
    const g = this.#g;
    const width = g.value(table).shape.slice(1);
    const ids = g.cast(g.reshape(g.value(node.inputs[1]!), [-1]), 'int64');
    const list = this.#rows.get(table) ?? [];
    list.push({ ids, rows: g.reshape(dy, [-1, ...width]) });
    this.#rows.set(table, list);
  }

  /** A gradient in exactly the shape of its value: summed where the value was broadcast, expanded where it is narrower. */
  #fit(gradient: Value, target: Value): Value {
    const g = this.#g;
    const extra = gradient.shape.length - target.shape.length;
    const leading = extra > 0 ? sumLeading(g, gradient, extra) : gradient;
    const offset = Math.max(0, -extra);
    const stretched = leading.shape.flatMap((dim, i) =>
      target.shape[i + offset] === 1 && dim !== 1 ? [i] : [],
    );
    const summed = stretched.length > 0 ? g.reduceSum(leading, stretched, true) : leading;
    return sameShape(summed.shape, target.shape) ? summed : this.#expanded(summed, target);
  }

  #expanded(gradient: Value, target: Value): Value {
    let shape: Dim[] | undefined;
    try {
      shape = broadcastShapes(gradient.shape, target.shape);
    } catch {
      shape = undefined;
    }
    if (!shape || !sameShape(shape, target.shape)) {
      throw new GraphError(
        `A gradient of shape ${formatShape(gradient.shape)} does not fit ${target.name} of ${formatShape(target.shape)}.`,
      );
    }
    return this.#g.expand(gradient, target.shape, [target]);
  }
}

/** All float values that depend on the sources by differentiable operations. */
function dependents(graph: Graph, sources: readonly string[]): Set<string> {
  const found = new Set(sources);
  for (const node of graph.nodes) {
    if (gradientRules[node.op] === 'none' || !node.inputs.some((name) => found.has(name))) continue;
    for (const name of node.outputs) {
      const type = graph.values.get(name);
      if (type && isFloat(type.dtype)) found.add(name);
    }
  }
  return found;
}

function checkLoss(graph: Graph, loss: string): void {
  const type = graph.values.get(loss);
  if (!type) throw new GraphError(`Graph ${graph.name} has no value ${loss} to use as the loss.`);
  if (!isFloat(type.dtype) || type.shape.some((dim) => dim !== 1)) {
    throw new GraphError(
      `The loss ${loss} is ${type.dtype}${formatShape(type.shape)}; it must be one float: reduce it by sum or mean.`,
    );
  }
}

function checkSource(graph: Graph, name: string): void {
  const type = graph.values.get(name);
  if (!type) throw new GraphError(`Graph ${graph.name} has no value ${name} to differentiate by.`);
  if (!isFloat(type.dtype))
    throw new GraphError(`${name} is ${type.dtype}; only float values have gradients.`);
}

/** Sizes agree; a symbol beside a number is taken to be that number. */
function sameShape(a: Shape, b: Shape): boolean {
  return (
    a.length === b.length && a.every((dim, i) => dim === b[i] || (typeof dim !== typeof b[i] && dim !== 1))
  );
}
