import type { Graph, Parameter } from '../onnx/index.ts';

/** The parameter (vocabulary, width) that ids are looked up in, where the encoder has one. */
export function findTokenTable({ nodes, parameters }: Graph): Parameter | undefined {
  for (const { op, inputs } of nodes) {
    if (op !== 'Gather' || inputs[1] !== 'input_ids') continue;
    const table = parameters.find(({ name }) => name === inputs[0]);
    if (table) return table;
  }
  return undefined;
}
