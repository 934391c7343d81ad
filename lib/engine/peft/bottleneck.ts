import type { Rng } from '../host/index.ts';
import type { Graph, GraphNode } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { GraphEdit } from './graph-edit.ts';
import { type ResidualJoin, residualJoins } from './joins.ts';

export interface BottleneckOptions {
  /** Width of the bottleneck. */
  readonly size: number;
  /** Behind which sublayers; both kinds by default, as in the paper. Pfeiffer et al. 2021 take feed-forward alone. */
  readonly after?: readonly ResidualJoin['kind'][];
  readonly rng: Rng;
}

/** What was put into a graph; parameters `adapter.<name>.{down,up}.{weight,bias}`. */
export interface BottleneckAdapter {
  readonly kind: 'bottleneck';
  readonly size: number;
  readonly places: readonly { readonly name: string; readonly width: number }[];
}

/**
 * Bottleneck adapters (Houlsby et al. 2019, section 2.1): behind every attention and feed-forward output, before it joins
 * the residual, h becomes h + gelu(h D + d) U + u. The sublayers are found by structure, see `residualJoins`. Weights are
 * normal of deviation 0.01, cut off at two deviations, so the graph starts close to the base. The paper also trains the
 * norms and the head: `trainable(graph, ['adapter', 'norms', 'head'])`.
 * Throws PeftError when the graph has no such sublayer or has adapters already.
 */
export function applyBottlenecks(
  graph: Graph,
  { size, after = ['attention', 'feed-forward'], rng }: BottleneckOptions,
): { graph: Graph; adapter: BottleneckAdapter } {
  if (!Number.isInteger(size) || size < 1) {
    throw new PeftError(`An adapter's size is a whole number from 1, given ${size}.`);
  }
  const chosen = placesOf(graph).filter(({ join }) => after.includes(join.kind));
  if (chosen.length === 0) {
    throw new PeftError(`Graph ${graph.name} has no ${after.join(' or ')} sublayer with a residual join.`);
  }
  const places = chosen.map(({ name, join }) => ({ name, width: join.width }));
  const adapter: BottleneckAdapter = { kind: 'bottleneck', size, places };
  const values: Record<string, Float32Array> = {};
  for (const { name, width } of places) {
    for (const [part, shape] of Object.entries(shapesOf(width, size))) {
      const key = `adapter.${name}.${part}`;
      const length = shape.reduce((product, dim) => product * dim, 1);
      values[key] = shape.length === 1 ? new Float32Array(length) : truncated(rng.fork(key), length, 0.01);
    }
  }
  return { graph: insertBottlenecks(graph, adapter, values), adapter };
}

/** The graph with an adapter's nodes; `values` holds its parameters. Throws PeftError when a place is missing. */
export function insertBottlenecks(
  graph: Graph,
  { size, places }: BottleneckAdapter,
  values: Readonly<Record<string, Float32Array>>,
): Graph {
  const present = placesOf(graph);
  const edit = new GraphEdit(graph);
  for (const { name, width } of places) {
    const place = present.find((candidate) => candidate.name === name);
    if (place?.join.width !== width) {
      throw new PeftError(
        `The adapter stands behind ${name} (width ${width}); graph ${graph.name} has ` +
          `${present.map(({ name, join }) => `${name} (${join.width})`).join(', ') || 'no sublayers'}.`,
      );
    }
    const { branch } = place.join;
    const at = `adapter.${name}`;
    for (const [part, shape] of Object.entries(shapesOf(width, size))) {
      const data = values[`${at}.${part}`];
      if (!data) throw new PeftError(`The values of the adapter lack ${at}.${part}.`);
      edit.parameter(`${at}.${part}`, shape, data);
    }
    const node = (
      op: GraphNode['op'],
      step: string,
      inputs: string[],
      output = `${at}/${step}`,
    ): GraphNode => ({
      name: `${at}/${step}`,
      op,
      inputs,
      outputs: [output],
      attributes: {},
    });
    edit.wrap(branch, `${at}/base`, [
      node('MatMul', 'down', [`${at}/base`, `${at}.down.weight`]),
      node('Add', 'shifted', [`${at}/down`, `${at}.down.bias`]),
      node('Gelu', 'active', [`${at}/shifted`]),
      node('MatMul', 'up', [`${at}/active`, `${at}.up.weight`]),
      node('Add', 'change', [`${at}/up`, `${at}.up.bias`]),
      node('Add', 'add', [`${at}/base`, `${at}/change`], branch),
    ]);
  }
  return edit.build();
}

function shapesOf(width: number, size: number): Record<string, readonly number[]> {
  return {
    'down.weight': [width, size],
    'down.bias': [size],
    'up.weight': [size, width],
    'up.bias': [width],
  };
}

/** Joins by a name of their own: layers that share weights have one name, so repetitions are counted. */
function placesOf(graph: Graph): { name: string; join: ResidualJoin }[] {
  const times = new Map<string, number>();
  return residualJoins(graph).map((join) => {
    const time = (times.get(join.name) ?? 0) + 1;
    times.set(join.name, time);
    return { name: time === 1 ? join.name : `${join.name}.${time}`, join };
  });
}

function truncated(rng: Rng, length: number, deviation: number): Float32Array {
  return Float32Array.from({ length }, () => {
    let draw = rng.normal();
    while (Math.abs(draw) > 2) draw = rng.normal();
    return deviation * draw;
  });
}
