import type { Rng } from '../host/index.ts';
import type { Graph, GraphNode } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { GraphEdit } from './graph-edit.ts';
import { type LinearLayer, linears, selectLinears } from './linears.ts';
import type { Pattern } from './patterns.ts';

export interface LoraOptions {
  /** Rows of A; a fraction of the layers' widths. */
  readonly rank: number;
  /** Numerator of the update's factor. */
  readonly alpha: number;
  /** Linear layers by name; see `linears` for the names there are. */
  readonly targets: readonly Pattern[];
  /** alpha / √rank instead of alpha / rank: higher ranks go on learning (Kalajdzievski 2023). */
  readonly rankStabilised?: boolean;
  /** Draws A, each layer's by its name. */
  readonly rng: Rng;
}

export interface LoraTarget {
  /** Of the layer; its parameters are `lora.<name>.A` (rank, in) and `lora.<name>.B` (out, rank). */
  readonly name: string;
  readonly in: number;
  readonly out: number;
}

/** What was put into a graph; with the values of A and B it can be stored, loaded and merged. */
export interface LoraAdapter {
  readonly kind: 'lora';
  readonly rank: number;
  readonly alpha: number;
  readonly rankStabilised: boolean;
  readonly targets: readonly LoraTarget[];
}

/**
 * Low-rank adaptation (Hu et al. 2021): every chosen layer becomes y = xW + b + s (x Aᵀ) Bᵀ with s = alpha / rank. B starts
 * at zero, so the outputs do not change at first; A is Kaiming-uniform with a = √5, as in peft. Train `lora.*` (and the
 * head), see `trainable`. A layer that is used several times has one A and B. The paper's dropout on x is
 * `insertDropout(graph, { rate, after: [LORA_INPUT] })` of the specialised graph; merge the graph without it.
 * Throws PeftError when a target fits no layer (the names are listed), a layer has LoRA already, or an option is out of range.
 */
export function applyLora(graph: Graph, options: LoraOptions): { graph: Graph; adapter: LoraAdapter } {
  const { rank, alpha, rankStabilised = false, rng } = options;
  if (!Number.isInteger(rank) || rank < 1) {
    throw new PeftError(`A LoRA rank is a whole number from 1, given ${rank}.`);
  }
  if (!Number.isFinite(alpha) || alpha <= 0) throw new PeftError(`LoRA's alpha is above 0, given ${alpha}.`);
  const chosen = wholeLayers(selectLinears(graph, options.targets));
  const adapter: LoraAdapter = {
    kind: 'lora',
    rank,
    alpha,
    rankStabilised,
    targets: chosen.map(([first]) => ({ name: first.target, in: first.in, out: first.out })),
  };
  const values: Record<string, Float32Array> = {};
  for (const { name, in: from, out } of adapter.targets) {
    // Kaiming-uniform: bound √(6 / ((1 + a²) fan-in)), which is 1/√fan-in for a = √5
    const bound = 1 / Math.sqrt(from);
    values[loraA(name)] = rng.fork(loraA(name)).uniforms(rank * from, -bound, bound);
    values[loraB(name)] = new Float32Array(out * rank);
  }
  return { graph: insertLora(graph, adapter, values), adapter };
}

/** The factor of the update (x Aᵀ) Bᵀ. */
export function loraScaling({
  rank,
  alpha,
  rankStabilised,
}: Pick<LoraAdapter, 'rank' | 'alpha' | 'rankStabilised'>): number {
  return alpha / (rankStabilised ? Math.sqrt(rank) : rank);
}

export const loraA = (target: string): string => `lora.${target}.A`;
export const loraB = (target: string): string => `lora.${target}.B`;

/** The uses of each target of an adapter in a graph. Throws PeftError when a layer is missing or of another size. */
export function usesOf(graph: Graph, adapter: LoraAdapter): Map<LoraTarget, LinearLayer[]> {
  const all = linears(graph);
  return new Map(
    adapter.targets.map((target) => {
      const uses = all.filter((linear) => linear.target === target.name);
      if (uses.length === 0 || uses.some((use) => use.in !== target.in || use.out !== target.out)) {
        throw new PeftError(
          `The adapter is for a layer ${target.name} from ${target.in} to ${target.out}; graph ${graph.name} has none. ` +
            `Its layers: ${all.map((l) => `${l.target} (${l.in} to ${l.out})`).join(', ')}.`,
        );
      }
      return [target, uses];
    }),
  );
}

/** The graph with an adapter's nodes; `values` holds A and B of every target. */
export function insertLora(
  graph: Graph,
  adapter: LoraAdapter,
  values: Readonly<Record<string, Float32Array>>,
): Graph {
  const uses = usesOf(graph, adapter);
  const edit = new GraphEdit(graph);
  const parameter = (name: string, shape: readonly number[]): string => {
    const data = values[name];
    if (!data) throw new PeftError(`The values of the adapter lack ${name}.`);
    return edit.parameter(name, shape, data);
  };
  for (const [{ name, in: from, out }, layer] of uses) {
    const a = parameter(loraA(name), [adapter.rank, from]);
    const b = parameter(loraB(name), [out, adapter.rank]);
    layer.forEach(({ input, output }, use) => {
      const names = loraNodes(name, use);
      const product = (node: string, x: string, weight: string, alpha: number): GraphNode => ({
        name: node,
        op: 'FusedMatMul',
        inputs: [x, weight],
        outputs: [node],
        attributes: { transA: 0, transB: 1, alpha },
      });
      edit.wrap(output, names.base, [
        // a value of its own, so that dropout can take from it alone
        { name: names.input, op: 'Identity', inputs: [input], outputs: [names.input], attributes: {} },
        product(names.down, names.input, a, 1),
        product(names.up, names.down, b, loraScaling(adapter)),
        { name: names.add, op: 'Add', inputs: [names.base, names.up], outputs: [output], attributes: {} },
      ]);
    });
  }
  return edit.build();
}

/** Fits the values that A reads, for `insertDropout`. */
export const LORA_INPUT = /^lora\..*\/input$/;

/** Names of the nodes (and the values between them) of one use of a target. */
export function loraNodes(
  target: string,
  use: number,
): Record<'base' | 'input' | 'down' | 'up' | 'add', string> {
  const at = use === 0 ? `lora.${target}` : `lora.${target}.use${use + 1}`;
  return { base: `${at}/base`, input: `${at}/input`, down: `${at}/down`, up: `${at}/up`, add: `${at}/add` };
}

/** The uses of one weight are one layer, even where only some of them were named. */
function wholeLayers(chosen: readonly LinearLayer[]): (readonly [LinearLayer, ...LinearLayer[]])[] {
  const layers = new Map<string, [LinearLayer, ...LinearLayer[]]>();
  for (const linear of chosen) {
    const layer = layers.get(linear.target);
    if (layer) layer.push(linear);
    else layers.set(linear.target, [linear]);
  }
  return [...layers.values()];
}
