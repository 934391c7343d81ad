import { type Graph, selectOutputs } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { wiringOf } from './graph-edit.ts';
import { residualJoins } from './joins.ts';
import { layersOf } from './layers.ts';
import { parameterBehind } from './linears.ts';
import { matches, type Pattern } from './patterns.ts';

/**
 * Which parameters to train, by kind:
 * - `all`;
 * - `head`: what stands behind the last encoder layer (and `head.*`), linear probing;
 * - `bitfit`: the biases of linear layers and norms (Ben Zaken et al. 2022; the paper trains the head with them);
 * - `norms`: scales and shifts of the norms;
 * - `lora`, `adapter`, `prefix`: what applyLora, applyBottlenecks and applyPrefix added;
 * or by a pattern over parameter names.
 */
export type TrainableSelection =
  | 'all'
  | 'head'
  | 'bitfit'
  | 'norms'
  | 'lora'
  | 'adapter'
  | 'prefix'
  | (string & {})
  | RegExp;

/**
 * Names of the parameters to train, in the graph's order: `wrt` of trainingGraph. Several selections add up:
 * `['lora', 'head']`. With `loss`, only those that this value depends on (an unused pooler cannot be trained).
 * Throws PeftError, which lists the parameters, when a selection fits none.
 */
export function trainable(
  graph: Graph,
  selection: TrainableSelection | readonly TrainableSelection[],
  { loss }: { loss?: string } = {},
): string[] {
  const selections = Array.isArray(selection)
    ? (selection as readonly TrainableSelection[])
    : [selection as TrainableSelection];
  const within = new Set((loss ? selectOutputs(graph, [loss]) : graph).parameters.map(({ name }) => name));
  const chosen = new Set<string>();
  for (const one of selections) {
    const names = namesOf(graph, one).filter((name) => within.has(name));
    if (names.length === 0) {
      throw new PeftError(
        `No parameter of graph ${graph.name} fits ${String(one)}; it has ${[...within].join(', ') || 'none'}.`,
      );
    }
    for (const name of names) chosen.add(name);
  }
  return graph.parameters.map(({ name }) => name).filter((name) => chosen.has(name));
}

function namesOf(graph: Graph, selection: TrainableSelection): readonly string[] {
  const all = graph.parameters.map(({ name }) => name);
  switch (selection) {
    case 'all':
      return all;
    case 'lora':
    case 'adapter':
    case 'prefix':
      return all.filter((name) => name.startsWith(`${selection}.`));
    case 'head': {
      // a head on ready-made vectors has no encoder below it
      const head = residualJoins(graph).length > 0 ? layersOf(graph).head : [];
      return all.filter((name) => name.startsWith('head.') || head.includes(name));
    }
    case 'bitfit':
      return vectorsOf(graph).biases;
    case 'norms': {
      const { scales, shifts } = vectorsOf(graph);
      return [...scales, ...shifts];
    }
    default:
      return all.filter((name) => matches(selection as Pattern, [name]));
  }
}

/** Vectors by their use: added (biases and the norms' shifts), or scaling what a norm gives. */
function vectorsOf(graph: Graph): { biases: string[]; scales: string[]; shifts: string[] } {
  const wiring = wiringOf(graph);
  const vectors = new Map(graph.parameters.filter(({ shape }) => shape.length === 1).map((p) => [p.name, p]));
  const [biases, scales, shifts] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const scaled = new Set<string>();
  const vector = (name: string | undefined): string | undefined =>
    name ? parameterBehind(name, wiring, vectors)?.parameter.name : undefined;
  for (const { op, inputs, outputs } of graph.nodes) {
    const [a, b] = [vector(inputs[0]), vector(inputs[1])];
    const added = op === 'Gemm' || op === 'LayerNormalization' ? vector(inputs[2]) : undefined;
    if (added) biases.add(added);
    if (op === 'LayerNormalization') {
      if (b) scales.add(b);
      if (added) shifts.add(added);
    } else if (op === 'Mul' && (a ?? b)) {
      scales.add((a ?? b)!);
      for (const output of outputs) scaled.add(output);
    } else if (op === 'Add' && (a ?? b)) {
      biases.add((a ?? b)!);
      if (inputs.some((name) => scaled.has(name))) shifts.add((a ?? b)!);
    }
  }
  return { biases: [...biases], scales: [...scales], shifts: [...shifts] };
}
