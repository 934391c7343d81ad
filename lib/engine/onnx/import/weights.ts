import { GraphError } from '../errors.ts';
import type { Graph, GraphNode, Initializer, Parameter } from '../graph.ts';
import { inferTypes } from '../infer.ts';
import { elementCount, isFloat } from '../tensor.ts';
import { exactNumber } from './exact.ts';

/** Weights that an error names. */
const NAMED = 5;

/** Operations that hand a weight on in another shape. */
const reshaping: ReadonlySet<string> = new Set([
  'Identity',
  'Cast',
  'Transpose',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Expand',
  'Slice',
  'Split',
]);
const products: ReadonlySet<string> = new Set(['MatMul', 'FusedMatMul', 'Gemm']);
const tables: ReadonlySet<string> = new Set(['Gather', 'GatherND', 'GatherElements']);
const joins: ReadonlySet<string> = new Set(['Add', 'Mul', 'Where', 'Concat', 'Sum']);
/** Operations whose inputs after the first are weights. */
const layers: ReadonlySet<string> = new Set(['LayerNormalization', 'Conv', 'GRU', 'LSTM', 'RNN']);
/** Operations that normalise a table before it is used. */
const statistics: ReadonlySet<string> = new Set(['LayerNormalization', 'ReduceMean', 'ReduceL2']);

/** Stored masks hold -10000, the least float or minus infinity; vectors that are trained stay far from that. */
const MASKING = 1e4;

/** Exporters store rotary tables beside the weights, though no model trains them. */
const rotaryTable = /(^|[._/])(inv_freq|(cos|sin)(_?cached?)?)$/;

/** The graph with the named parameters only; the others become constants again. */
export function onlyWeights(graph: Graph, weights: ReadonlySet<string>): Graph {
  const constants: Initializer[] = [];
  const parameters: Parameter[] = [];
  for (const parameter of graph.parameters) {
    if (weights.has(parameter.name)) parameters.push(parameter);
    else constants.push({ ...parameter, dtype: 'float32', data: exactData(parameter) });
  }
  return inferTypes({ ...graph, parameters, initializers: [...graph.initializers, ...constants] });
}

/** Refuses weights that are NaN or infinite: all that such a model says would be NaN. @throws GraphError that names them */
export function refuseNotFinite({ parameters }: Pick<Graph, 'parameters'>): void {
  const broken = parameters.flatMap(({ name, data }) => {
    const count = data.reduce((sum, value) => sum + Number(!Number.isFinite(value)), 0);
    return count > 0 ? [`${name} (${count} of ${data.length})`] : [];
  });
  if (broken.length === 0) return;
  const more = broken.length > NAMED ? ` and ${broken.length - NAMED} more` : '';
  throw new GraphError(
    `The model has weights that are NaN or infinite: ${broken.slice(0, NAMED).join(', ')}${more}. Its training diverged, or it was ` +
      'stored in a precision that its numbers do not fit: export it again, in float32.',
  );
}

function exactData({ data }: Parameter): Float32Array | Float64Array {
  return data.length === 1 ? Float64Array.from(data, exactNumber) : data;
}

/**
 * Which stored float tensors are weights and which are constants of the formula. Weights are factors of products with
 * features or other weights, tables that are looked up, scales and biases of layers, and vectors added to or multiplied
 * with features. All else (rotary frequencies, masks, single factors) is no weight.
 */
export function weightNames(graph: Graph): Set<string> {
  const stored = new Map(graph.parameters.map((p) => [p.name, p]));
  /** For each value that is a stored tensor in another shape: its name there. */
  const origin = new Map<string, string>(graph.parameters.map(({ name }) => [name, name]));
  const fed = new Set(graph.inputs.map(({ name }) => name));
  const features = new Set(graph.inputs.filter(({ dtype }) => isFloat(dtype)).map(({ name }) => name));
  const weighted = new Set<string>(stored.keys());
  /** Computed from weights alone, such as a normalised table of relative positions. */
  const derived = new Set<string>();
  const producers = new Map<string, GraphNode>();
  const found = new Set<string>();
  const isTensor = (name: string): boolean => {
    const parameter = stored.get(name);
    return parameter !== undefined && !rotaryTable.test(name);
  };

  for (const node of graph.nodes) {
    for (const name of node.outputs) producers.set(name, node);
    node.inputs.forEach((input, i) => {
      const name = origin.get(input);
      if (name !== undefined && isTensor(name) && isUsedAsWeight(node, i)) found.add(name);
    });
    handOn(node);
  }
  return found;

  function isUsedAsWeight(node: GraphNode, i: number): boolean {
    const { op } = node;
    const parameter = stored.get(origin.get(node.inputs[i] ?? '') ?? '')!;
    const many = elementCount(parameter.shape) > 1;
    const others = node.inputs.filter((_, j) => j !== i);
    if (products.has(op)) {
      if (i === 2 || others.some((name) => features.has(name) || weighted.has(name))) return true;
      // XLNet projects encodings that are computed from the positions; rotary frequencies have one axis to speak of.
      return isMatrix(parameter);
    }
    if (tables.has(op)) return i === 0 && parameter.shape.length >= 2;
    if (layers.has(op) && i > 0) return true;
    if (statistics.has(op) && i === 0) return many && parameter.shape.length >= 2;
    if (!joins.has(op)) return false;
    if (isMask(parameter)) return false;
    if (!others.some((name) => features.has(name)))
      return many && isVector(parameter) && others.some((name) => derived.has(name));
    if (op === 'Mul' && !isVector(parameter)) return false;
    return many || (op === 'Add' && others.some((name) => products.has(producers.get(name)?.op ?? '')));
  }

  /** What the node's outputs depend on. */
  function handOn(node: GraphNode): void {
    const data = node.inputs[0] ?? '';
    const source = reshaping.has(node.op) ? origin.get(data) : undefined;
    const lookedUp =
      tables.has(node.op) && found.has(origin.get(data) ?? '') && fed.has(node.inputs[1] ?? '');
    for (const name of node.outputs) {
      const type = graph.values.get(name);
      if (node.inputs.some((input) => fed.has(input))) fed.add(name);
      if (!type || !isFloat(type.dtype)) continue;
      if (source !== undefined) origin.set(name, source);
      if (lookedUp || node.inputs.some((input) => features.has(input))) features.add(name);
      if (node.inputs.some((input) => found.has(origin.get(input) ?? input) || weighted.has(input)))
        weighted.add(name);
      if (source === undefined && isDerived(node)) derived.add(name);
    }
  }

  /** Does a weight go in, and nothing that depends on the graph's inputs? */
  function isDerived(node: GraphNode): boolean {
    const floats = node.inputs.filter((name) => isFloat(graph.values.get(name)?.dtype ?? 'bool'));
    const fromWeights = (name: string) => derived.has(name) || found.has(origin.get(name) ?? '');
    return floats.some(fromWeights) && !node.inputs.some((name) => fed.has(name) || features.has(name));
  }
}

function isMatrix({ shape }: Parameter): boolean {
  return shape.filter((size) => size > 1).length >= 2;
}

/** Scales that are trained are one number per feature; a table that features are multiplied with is rotary. */
function isVector({ shape }: Parameter): boolean {
  return shape.filter((size) => size > 1).length === 1;
}

function isMask({ data }: Parameter): boolean {
  return data.some((value) => Math.abs(value) >= MASKING);
}
