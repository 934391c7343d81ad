import { type Graph, inferTypes, isFloat, type Value } from '../onnx/index.ts';
import { RobustError } from './errors.ts';

/** The input that is added to the perturbed value. */
export const PERTURBATION = 'perturbation';

/**
 * The values that lookups in an embedding table give, in the order of the graph: what adversarial training of text
 * perturbs, before positions, types and normalisation.
 * @throws RobustError when no node looks up rows of the table
 */
export function lookupsOf(graph: Graph, table: string): string[] {
  const found = graph.nodes.flatMap(({ op, inputs, outputs }) =>
    op === 'Gather' && inputs[0] === table ? [outputs[0]!] : [],
  );
  if (found.length === 0) {
    const tables = graph.nodes.flatMap(({ op, inputs }) => (op === 'Gather' ? [inputs[0]!] : []));
    const known = graph.parameters.map(({ name }) => name).filter((name) => tables.includes(name));
    throw new RobustError(
      `graph ${graph.name} looks up no rows of ${table}; its tables are ${known.join(', ') || 'none'}`,
    );
  }
  return found;
}

/**
 * The graph with an input `perturbation` of the value's shape that is added wherever the value is read: zeros give the
 * graph's own results. The value is a node's result or a parameter, an embedding table say.
 * @throws RobustError when the value is unknown, no float, or perturbed already
 */
export function perturbable(graph: Graph, value: string): { graph: Graph; input: Value } {
  const type = graph.values.get(value);
  if (!type || !isFloat(type.dtype)) {
    throw new RobustError(`graph ${graph.name} has no float value ${value} that could be perturbed`);
  }
  if (graph.values.has(PERTURBATION)) throw new RobustError(`graph ${graph.name} is perturbed already`);
  const input: Value = { name: PERTURBATION, ...type };
  const sum = `${value}:perturbed`;
  const reads = (inputs: readonly string[]) => inputs.map((name) => (name === value ? sum : name));
  const add = {
    name: `${value}:perturb`,
    op: 'Add' as const,
    inputs: [value, PERTURBATION],
    outputs: [sum],
    attributes: {},
  };
  const produced = graph.nodes.findIndex(({ outputs }) => outputs.includes(value));
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: reads(node.inputs) }));
  nodes.splice(produced + 1, 0, add);
  return { graph: inferTypes({ ...graph, inputs: [...graph.inputs, input], nodes }), input };
}
