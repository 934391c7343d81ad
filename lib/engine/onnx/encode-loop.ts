import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  NodeProtoSchema,
} from 'onnx-buf';
import { graphProto, modelProto, valueInfo } from './encode.ts';
import { GraphError } from './errors.ts';
import type { Graph, Value } from './graph.ts';
import { modelBytes } from './model-bytes.ts';
import { tensor } from './tensor.ts';
import { toTensorProto } from './tensor-proto.ts';

/** One iteration of a loop, and how its values pass between iterations. */
export interface LoopBody {
  /** All inputs are named below; parameters are not allowed (carry them). */
  readonly graph: Graph;
  /** Input with the number of the iteration: int64 scalar. */
  readonly iteration: string;
  /** Inputs, in their order, with the output that takes their place in the next iteration. */
  readonly carried: readonly { readonly input: string; readonly next: string }[];
  /** Inputs that are the same in every iteration. */
  readonly shared: readonly string[];
  /** Outputs that are kept of every iteration, stacked along a new first axis. */
  readonly scanned: readonly string[];
  /** Precision of the matrix products; everything else is float32. */
  readonly products?: 'float32' | 'float16';
}

/** Names of the loop model's inputs and outputs. */
export const LOOP_COUNT = 'loop:count';
export const initialName = (name: string): string => `initial:${name}`;
export const finalName = (name: string): string => `final:${name}`;
export const everyName = (name: string): string => `every:${name}`;

/**
 * A model file that repeats a graph, its state staying where the graph runs (ONNX operator Loop). Inputs: the iterations
 * `loop:count` (int64 scalar), `initial:<name>` per carried input, the shared inputs under their names. Outputs:
 * `final:<name>` per carried input, `every:<name>` per scanned output.
 * @throws GraphError when the body's inputs are not all accounted for, or an output is missing
 */
export function encodeLoop(
  { graph, iteration, carried, shared, scanned, products = 'float32' }: LoopBody,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]));
  const named = [iteration, ...carried.map(({ input }) => input), ...shared];
  const lost = [...inputs.keys()].filter((name) => !named.includes(name));
  const unknown = named.filter((name) => !inputs.has(name));
  if (lost.length > 0 || unknown.length > 0 || graph.parameters.length > 0) {
    throw new GraphError(
      `A loop's body needs each of its inputs to be the iteration, carried or shared: ` +
        `${lost.join(', ') || 'none'} is not, ${unknown.join(', ') || 'none'} is no input, ` +
        `and ${graph.parameters.length} parameters are left (carry them).`,
    );
  }
  const output = (name: string): Value => {
    const type = graph.values.get(name);
    if (!type) throw new GraphError(`The loop's body has no value ${name}.`);
    return { name, ...type };
  };
  const body = bodyProto(graph, { iteration, carried, scanned, products }, output);
  const states = carried.map(({ input }) => inputs.get(input)!);
  const loop = create(NodeProtoSchema, {
    name: 'loop',
    opType: 'Loop',
    // no condition: the count alone ends it
    input: [LOOP_COUNT, '', ...states.map(({ name }) => initialName(name))],
    output: [...states.map(({ name }) => finalName(name)), ...scanned.map(everyName)],
    attribute: [
      create(AttributeProtoSchema, { name: 'body', type: AttributeProto_AttributeType.GRAPH, g: body }),
    ],
  });
  const main = graphProto({
    name: `${graph.name}:loop`,
    input: [
      valueInfo(LOOP_COUNT, { dtype: 'int64', shape: [] }),
      ...states.map((state) => valueInfo(initialName(state.name), state)),
      ...shared.map((name) => valueInfo(name, inputs.get(name)!)),
    ],
    output: [
      ...states.map((state) => valueInfo(finalName(state.name), state)),
      ...scanned.map((name) => {
        const { dtype, shape } = output(name);
        return valueInfo(everyName(name), { dtype, shape: ['iterations', ...shape] });
      }),
    ],
    node: [loop],
  });
  return modelBytes(modelProto(main, graph, { ...graph.metadata, ...metadata }));
}

function bodyProto(
  graph: Graph,
  { iteration, carried, scanned, products }: Required<Omit<LoopBody, 'graph' | 'shared'>>,
  output: (name: string) => Value,
): GraphProto {
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]));
  const condition = { dtype: 'bool' as const, shape: [] };
  // an output of its own per carried value: one value may be the next of two, or an input that stays
  const next = carried.map(({ next }, i) => ({ from: next, to: `loop:next.${i}`, type: output(next) }));
  return graphProto({
    name: 'loop:body',
    input: [
      valueInfo(iteration, inputs.get(iteration)!),
      valueInfo('loop:goes-on', condition),
      ...carried.map(({ input }) => valueInfo(input, inputs.get(input)!)),
    ],
    output: [
      valueInfo('loop:still', condition),
      ...next.map(({ to, type }) => valueInfo(to, type)),
      ...scanned.map((name, i) => valueInfo(`loop:scan.${i}`, output(name))),
    ],
    graph,
    products,
    initializer: [toTensorProto(tensor('bool', [], [1]), 'loop:true')],
    node: [
      identity('loop:true', 'loop:still'),
      ...next.map(({ from, to }) => identity(from, to)),
      ...scanned.map((name, i) => identity(name, `loop:scan.${i}`)),
    ],
  });
}

function identity(from: string, to: string) {
  return create(NodeProtoSchema, { name: `copy:${to}`, opType: 'Identity', input: [from], output: [to] });
}
