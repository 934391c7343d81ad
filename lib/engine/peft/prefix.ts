import type { Rng } from '../host/index.ts';
import { type Graph, type GraphNode, intAttribute } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { GraphEdit, type Wiring, wiringOf } from './graph-edit.ts';

export interface PrefixOptions {
  /** Virtual positions in front of every attention. */
  readonly length: number;
  readonly rng: Rng;
}

/** What was put into a graph: parameters `prefix.<k>.keys` and `.values` (heads, length, head width) of the k-th attention. */
export interface PrefixAdapter {
  readonly kind: 'prefix';
  readonly length: number;
  readonly attentions: readonly { readonly heads: number; readonly headWidth: number }[];
}

/** An attention, told by its softmax. */
interface Attention {
  readonly softmax: GraphNode;
  /** Scores before the softmax (batch, heads, queries, positions). */
  readonly scores: string;
  /** Queries (batch, heads, queries, head width), as the score's product reads them. */
  readonly queries: string;
  /** Scaling behind the score's product. */
  readonly scale: number;
  /** softmax · values: (batch, heads, queries, head width). */
  readonly context: string;
  readonly heads: number;
  readonly headWidth: number;
}

/**
 * Prefix tuning (Li, Liang 2021) in the form of P-tuning v2 (Liu et al. 2022, no re-parametrisation): every attention also sees
 * `length` learned keys and values, which no mask hides. The softmax runs over [prefix scores, scores]; its prefix part
 * weighs the learned values, the rest goes on as before. Keys and values start normal of deviation 0.02, so unlike LoRA
 * the outputs differ from the base's from the start. Train `prefix.*` and the head.
 * Throws PeftError when no attention (product, scale, mask, softmax over the last axis, product) with fixed heads is found.
 */
export function applyPrefix(
  graph: Graph,
  { length, rng }: PrefixOptions,
): { graph: Graph; adapter: PrefixAdapter } {
  if (!Number.isInteger(length) || length < 1) {
    throw new PeftError(`A prefix has a length from 1, given ${length}.`);
  }
  const attentions = attentionsOf(graph).map(({ heads, headWidth }) => ({ heads, headWidth }));
  if (attentions.length === 0) {
    throw new PeftError(
      `Graph ${graph.name} has no attention of four axes with fixed heads that a prefix could be put to.`,
    );
  }
  const adapter: PrefixAdapter = { kind: 'prefix', length, attentions };
  const values: Record<string, Float32Array> = {};
  attentions.forEach(({ heads, headWidth }, k) => {
    for (const part of ['keys', 'values']) {
      const name = `prefix.${k}.${part}`;
      values[name] = rng.fork(name).normals(heads * length * headWidth, 0.02);
    }
  });
  return { graph: insertPrefix(graph, adapter, values), adapter };
}

/** The graph with a prefix's nodes; `values` holds its parameters. Throws PeftError when the attentions differ. */
export function insertPrefix(
  graph: Graph,
  { length, attentions }: PrefixAdapter,
  values: Readonly<Record<string, Float32Array>>,
): Graph {
  const present = attentionsOf(graph);
  const sizes = (all: readonly { heads: number; headWidth: number }[]) =>
    all.map(({ heads, headWidth }) => `${heads} x ${headWidth}`).join(', ');
  if (sizes(present) !== sizes(attentions)) {
    throw new PeftError(
      `The prefix is for attentions of ${sizes(attentions)}; graph ${graph.name} has ${sizes(present)}.`,
    );
  }
  const edit = new GraphEdit(graph);
  present.forEach(({ softmax, scores, queries, scale, context, heads, headWidth }, k) => {
    const at = `prefix.${k}`;
    for (const part of ['keys', 'values']) {
      const data = values[`${at}.${part}`];
      if (!data) throw new PeftError(`The values of the prefix lack ${at}.${part}.`);
      edit.parameter(`${at}.${part}`, [heads, length, headWidth], data);
    }
    const node = (
      op: GraphNode['op'],
      step: string,
      inputs: string[],
      attributes: GraphNode['attributes'] = {},
    ): GraphNode => ({
      name: `${at}/${step}`,
      op,
      inputs,
      outputs: [`${at}/${step}`],
      attributes,
    });
    const [zero, split, end, axis] = [
      edit.ints(`${at}.zero`, [0]),
      edit.ints(`${at}.length`, [length]),
      edit.ints(`${at}.end`, [2 ** 31 - 1]),
      edit.ints(`${at}.axis`, [3]),
    ];
    const weights = softmax.outputs[0]!;
    edit.before(
      weights,
      [
        node('Transpose', 'turned', [`${at}.keys`], { perm: [0, 2, 1] }),
        node('MatMul', 'product', [queries, `${at}/turned`]),
        node('Mul', 'scores', [`${at}/product`, edit.scalar(`${at}.scale`, scale)]),
        node('Concat', 'all', [`${at}/scores`, scores], { axis: 3 }),
      ],
      (old) => ({ ...old, inputs: [`${at}/all`] }),
    );
    edit.wrap(weights, `${at}/weights`, [
      node('Slice', 'own', [`${at}/weights`, zero, split, axis]),
      { ...node('Slice', 'rest', [`${at}/weights`, split, end, axis]), outputs: [weights] },
    ]);
    edit.wrap(context, `${at}/context`, [
      node('MatMul', 'mixed', [`${at}/own`, `${at}.values`]),
      { ...node('Add', 'add', [`${at}/context`, `${at}/mixed`]), outputs: [context] },
    ]);
  });
  return edit.build();
}

function attentionsOf(graph: Graph): Attention[] {
  const wiring = wiringOf(graph);
  return graph.nodes.flatMap((node) => {
    const found = node.op === 'Softmax' ? attentionAt(node, graph, wiring) : undefined;
    return found ? [found] : [];
  });
}

function attentionAt(softmax: GraphNode, graph: Graph, wiring: Wiring): Attention | undefined {
  const scores = softmax.inputs[0] ?? '';
  const rank = graph.values.get(scores)?.shape.length;
  const axis = intAttribute(softmax.attributes, 'axis', -1);
  if (rank !== 4 || (axis !== -1 && axis !== 3)) return undefined;
  const product = scoreProduct(scores, graph, wiring);
  const context = contextOf(softmax.outputs[0] ?? '', wiring);
  if (!product || !context) return undefined;
  const queries = product.node.inputs[0] ?? '';
  const shape = graph.values.get(queries)?.shape;
  const [heads, headWidth] = [shape?.[1], shape?.[3]];
  if (shape?.length !== 4 || typeof heads !== 'number' || typeof headWidth !== 'number') return undefined;
  const { scale } = product;
  return { softmax, scores, queries, scale, context, heads, headWidth };
}

/** Back from the scores over masks and scalar factors to the product of queries and keys. */
function scoreProduct(
  scores: string,
  graph: Graph,
  { producers }: Wiring,
): { node: GraphNode; scale: number } | undefined {
  const constants = new Map(graph.initializers.map((constant) => [constant.name, constant]));
  const scalar = (name: string): number | undefined => {
    const constant = constants.get(name);
    return constant?.data.length === 1 ? Number(constant.data[0]) : undefined;
  };
  const search = (value: string, scale: number): { node: GraphNode; scale: number } | undefined => {
    const node = producers.get(value);
    const [a = '', b = '', c = ''] = node?.inputs ?? [];
    switch (node?.op) {
      case 'MatMul':
        return { node, scale };
      case 'FusedMatMul':
        if (intAttribute(node.attributes, 'transA', 0) !== 0) return undefined;
        return { node, scale: scale * Number(node.attributes.alpha ?? 1) };
      case 'Add':
        return search(a, scale) ?? search(b, scale);
      case 'Where':
        return search(b, scale) ?? search(c, scale);
      case 'Mul':
        if (scalar(b) !== undefined) return search(a, scale * scalar(b)!);
        return scalar(a) === undefined ? undefined : search(b, scale * scalar(a)!);
      case 'Div':
        return scalar(b) === undefined ? undefined : search(a, scale / scalar(b)!);
      case 'Identity':
      case 'Cast':
        return search(a, scale);
      default:
        return undefined;
    }
  };
  return search(scores, 1);
}

/** On from the softmax over guards and dropout to the product with the values. */
function contextOf(weights: string, { consumers }: Wiring): string | undefined {
  const open = [weights];
  const seen = new Set(open);
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const node of consumers.get(value) ?? []) {
      const output = node.outputs[0] ?? '';
      if (node.op === 'MatMul' || node.op === 'FusedMatMul') {
        if (node.inputs[0] === value) return output;
      } else if (['IsNaN', 'Where', 'Identity', 'Cast', 'Mul'].includes(node.op) && !seen.has(output)) {
        seen.add(output);
        open.push(output);
      }
    }
  }
  return undefined;
}
