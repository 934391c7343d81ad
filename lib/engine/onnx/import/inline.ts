import { clone, create } from '@bufbuild/protobuf';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  type NodeProto,
  NodeProtoSchema,
  type OperatorSetIdProto,
} from 'onnx-buf';
import { GraphError } from '../errors.ts';
import { type ForeignNode, foreignNode, operatorKey } from './foreign-node.ts';

/** Deeper calls of functions by functions are taken for a circle, which ONNX forbids. */
const DEEPEST_CALL = 64;

/** Version of the ai.onnx operator set, or undefined when it is not imported. */
export function opsetOf(imports: readonly OperatorSetIdProto[]): number | undefined {
  const version = imports.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version;
  return version === undefined ? undefined : Number(version);
}

/** A model's own functions (dynamo exports have them), by which calls are replaced with their bodies. */
export class FunctionTable {
  readonly #functions: ReadonlyMap<string, FunctionProto>;

  constructor(model: ModelProto) {
    this.#functions = new Map(model.functions.map((f) => [functionKey(f.domain, f.name, f.overload), f]));
  }

  /** The nodes in order, calls replaced by bodies whose inner names start with the name of the call. */
  inline(nodes: readonly NodeProto[], opset: number, depth = 0): ForeignNode[] {
    if (depth > DEEPEST_CALL) throw new GraphError('The functions of the model call each other in a circle.');
    return nodes.flatMap((node, index) => {
      const body = this.#functions.get(functionKey(node.domain, node.opType, node.overload));
      if (!body) return [foreignNode(node, index, opset)];
      const prefix = node.name || `${node.opType}_${index}`;
      return this.inline(called(body, node, prefix), opsetOf(body.opsetImport) ?? opset, depth + 1);
    });
  }
}

function functionKey(domain: string, name: string, overload: string): string {
  return `${operatorKey({ domain: domain === 'ai.onnx' ? '' : domain, op: name })}|${overload}`;
}

/** The body of a function with the call's names and attributes put in. */
function called(body: FunctionProto, call: NodeProto, prefix: string): NodeProto[] {
  const names = new Map<string, string>();
  body.input.forEach((name, i) => {
    names.set(name, call.input[i] ?? '');
  });
  body.output.forEach((name, i) => {
    const outer = call.output[i];
    if (outer) names.set(name, outer);
  });
  const given = new Map([...body.attributeProto, ...call.attribute].map((a) => [a.name, a]));
  const rename = (name: string): string => (name === '' ? '' : (names.get(name) ?? `${prefix}/${name}`));
  const copies: NodeProto[] = [];
  // A formal output that is a formal input needs a node of its own, since the call's names differ.
  for (const [i, name] of body.output.entries()) {
    const at = body.input.indexOf(name);
    if (at < 0 || !call.output[i]) continue;
    names.set(name, call.input[at] ?? '');
    copies.push(
      create(NodeProtoSchema, {
        opType: 'Identity',
        input: [call.input[at] ?? ''],
        output: [call.output[i]],
      }),
    );
  }
  return [...body.node.map((node) => renamedNode(node, rename, prefix, given)), ...copies];
}

/** A copy of a node with other names, also in the graphs of its attributes, and references to attributes resolved. */
function renamedNode(
  node: NodeProto,
  rename: (name: string) => string,
  prefix: string,
  given: ReadonlyMap<string, AttributeProto>,
): NodeProto {
  const copy = clone(NodeProtoSchema, node);
  if (node.name !== '') copy.name = `${prefix}/${node.name}`;
  copy.input = node.input.map(rename);
  copy.output = node.output.map(rename);
  copy.attribute = copy.attribute.flatMap((attribute) => {
    const actual = attribute.refAttrName === '' ? attribute : given.get(attribute.refAttrName);
    if (!actual) return [];
    const resolved = clone(AttributeProtoSchema, actual);
    resolved.name = attribute.name;
    if (resolved.g) resolved.g = renamedGraph(resolved.g, rename, prefix, given);
    return [resolved];
  });
  return copy;
}

function renamedGraph(
  graph: GraphProto,
  rename: (name: string) => string,
  prefix: string,
  given: ReadonlyMap<string, AttributeProto>,
): GraphProto {
  const copy = clone(GraphProtoSchema, graph);
  copy.node = graph.node.map((node) => renamedNode(node, rename, prefix, given));
  for (const tensor of copy.initializer) tensor.name = rename(tensor.name);
  for (const value of copy.output) value.name = rename(value.name);
  return copy;
}

/** The taken branch of an If as nodes and constants of the outer graph; its outputs get the names of the If's. */
export function inlinedBranch(branch: GraphProto, node: ForeignNode): GraphProto {
  const inner = new Set([
    ...branch.initializer.map(({ name }) => name),
    ...branch.node.flatMap(({ output }) => output),
  ]);
  const rename = (name: string): string => (inner.has(name) ? `${node.name}/${name}` : name);
  const body = renamedGraph(branch, rename, node.name, new Map());
  const results = body.output.map((value, i) =>
    create(NodeProtoSchema, {
      name: `${node.name}/result_${i}`,
      opType: 'Identity',
      input: [value.name],
      output: [node.outputs[i] ?? ''],
    }),
  );
  body.node.push(...results);
  return body;
}
