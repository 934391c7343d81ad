import { TrainError } from '../../host/index.ts';
import { type Graph, GraphError, type GraphNode, inferTypes, staticShape, tensor } from '../../onnx/index.ts';

/** Bytes have 256 values: a rate is a whole number of 256ths. */
const LEVELS = 256;

/** A place where a graph drops values, and the input that says which. */
export interface DropoutSite {
  /** Name of the input: bool, true where a value is kept. */
  readonly input: string;
  readonly shape: readonly number[];
  /** Values dropped of 256. */
  readonly dropped: number;
}

export interface InsertDropout {
  /** Share of values dropped, in [0, 1); used as the nearest 256th, the scale with it. 0 leaves the graph as it is. */
  readonly rate: number;
  /** Values to drop from: names, or patterns that names are searched for. See `dropoutPlaces`. */
  readonly after: readonly (string | RegExp)[];
}

/**
 * Inverted dropout (Srivastava et al., "Dropout", 2014) behind some values: each is multiplied by mask / (1 - rate), and
 * whoever reads it, outputs of the graph included, reads the product. Masks are inputs `dropout:<value>`, since the
 * runtime's own Dropout keeps a hidden state that no checkpoint can save; `DropoutMasks` makes them. Evaluate and score
 * with the graph as it was before. Call it again with another rate for other values.
 * Masks are bool and cast in the graph: a quarter of the memory of float ones, and no slower.
 * @param graph specialised to the shapes it is trained at
 * @throws TrainError when the rate is outside [0, 1) or below half a 256th; GraphError when a name or pattern fits no
 * float value, or the shape of one is not fixed
 */
export function insertDropout(
  graph: Graph,
  { rate, after }: InsertDropout,
): { graph: Graph; sites: DropoutSite[] } {
  const dropped = droppedOf(rate);
  if (dropped === 0) return { graph, sites: [] };
  const names = choose(graph, after);
  const scale = { name: `dropout:scale ${dropped}`, ...tensor('float32', [], [LEVELS / (LEVELS - dropped)]) };
  const nodes = graph.nodes.flatMap((node) => {
    const chosen = node.outputs.filter((output) => names.has(output));
    if (chosen.length === 0) return [node];
    const outputs = node.outputs.map((output) => (names.has(output) ? kept(output) : output));
    return [{ ...node, outputs }, ...chosen.flatMap((value) => drop(value, scale.name))];
  });
  const sites = [...names].map((value) => ({
    input: maskName(value),
    shape: fixedShape(graph, value),
    dropped,
  }));
  const masks = sites.map(({ input, shape }) => ({ name: input, dtype: 'bool' as const, shape }));
  const known = graph.initializers.some(({ name }) => name === scale.name);
  return {
    graph: inferTypes({
      ...graph,
      nodes,
      inputs: [...graph.inputs, ...masks],
      initializers: known ? graph.initializers : [...graph.initializers, scale],
    }),
    sites,
  };
}

function droppedOf(rate: number): number {
  const dropped = Math.round(rate * LEVELS);
  if (!(rate >= 0) || dropped >= LEVELS || (rate > 0 && dropped === 0)) {
    throw new TrainError(`a dropout rate is 0, or from half a 256th to below 1 in 256ths; given ${rate}`);
  }
  return dropped;
}

function fixedShape(graph: Graph, value: string): number[] {
  const { shape } = graph.values.get(value)!;
  const fixed = staticShape(shape);
  if (!fixed) {
    throw new GraphError(
      `${value} of graph ${graph.name} has shape [${shape.join(', ')}], so its mask has no size: specialise the graph first.`,
    );
  }
  return fixed;
}

const maskName = (value: string) => `dropout:${value}`;
const kept = (value: string) => `${value}:whole`;

function drop(value: string, scale: string): GraphNode[] {
  const mask = maskName(value);
  const node = (
    op: GraphNode['op'],
    inputs: string[],
    output: string,
    attributes: GraphNode['attributes'] = {},
  ): GraphNode => ({
    name: `dropout:${op}:${output}`,
    op,
    inputs,
    outputs: [output],
    attributes,
  });
  return [
    node('Cast', [mask], `${mask}:float`, { to: 'float32' }),
    node('Mul', [`${mask}:float`, scale], `${mask}:factor`),
    node('Mul', [kept(value), `${mask}:factor`], value),
  ];
}

/** The chosen values, in the graph's order. */
function choose(graph: Graph, after: readonly (string | RegExp)[]): Set<string> {
  const candidates = graph.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => graph.values.get(name)?.dtype === 'float32');
  const fits = (pattern: string | RegExp, name: string) =>
    typeof pattern === 'string' ? pattern === name : name.search(pattern) >= 0;
  const missed = after.filter((pattern) => !candidates.some((name) => fits(pattern, name)));
  if (missed.length > 0 || after.length === 0) {
    throw new GraphError(
      `Dropout was asked for after ${missed.map(String).join(', ') || 'nothing'}, which fits no float value that a node of ` +
        `graph ${graph.name} makes; it has ${candidates.slice(0, 40).join(', ')}${candidates.length > 40 ? ', …' : ''}.`,
    );
  }
  const names = candidates.filter((name) => after.some((pattern) => fits(pattern, name)));
  const twice = names.find((name) => graph.inputs.some((input) => input.name === maskName(name)));
  if (twice !== undefined) throw new GraphError(`Graph ${graph.name} has dropout after ${twice} already.`);
  return new Set(names);
}
