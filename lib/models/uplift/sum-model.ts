import type { GraphBuilder, Value } from '../../engine/onnx/index.ts';
import { type BaseModel, baseParts, baseScore, predictBase } from './base-model.ts';

/** A weighted sum of base models: every learner of effects comes to one. */
export interface SumModel {
  readonly constant: number;
  readonly terms: readonly { readonly factor: number; readonly base: BaseModel }[];
}

export const times = ({ constant, terms }: SumModel, factor: number): SumModel => ({
  constant: factor * constant,
  terms: terms.map((term) => ({ ...term, factor: factor * term.factor })),
});

/** The sum of several; a base model that stands in several of them is one term. */
export function plus(...models: readonly SumModel[]): SumModel {
  const factors = new Map<BaseModel, number>();
  for (const { terms } of models) {
    for (const { base, factor } of terms) factors.set(base, (factors.get(base) ?? 0) + factor);
  }
  return {
    constant: models.reduce((sum, { constant }) => sum + constant, 0),
    terms: [...factors].map(([base, factor]) => ({ base, factor })),
  };
}

export const meanOf = (models: readonly SumModel[]): SumModel => times(plus(...models), 1 / models.length);

/** @param values (rows, columns) */
export function predictSum(
  { constant, terms }: SumModel,
  values: Float32Array,
  columns: number,
): Float64Array {
  const sum = new Float64Array(values.length / columns).fill(constant);
  for (const { base, factor } of terms) {
    predictBase(base, values).forEach((value, i) => {
      sum[i]! += factor * value;
    });
  }
  return sum;
}

/** Scores base models in a graph, each once. */
export class SumGraph {
  readonly #g: GraphBuilder;
  readonly #x: Value;
  readonly #scores = new Map<BaseModel, Value>();

  /** @param x (batch, columns) */
  constructor(g: GraphBuilder, x: Value) {
    this.#g = g;
    this.#x = x;
  }

  /** (batch, 1) */
  score({ constant, terms }: SumModel): Value {
    const g = this.#g;
    let sum: Value = g.add(g.mul(g.slice(this.#x, 1, 0, 1), 0), constant);
    for (const { base, factor } of terms) sum = g.add(sum, g.mul(this.#scoreOf(base), factor));
    return sum;
  }

  /** What groups of columns add: (batch, 1, groups). */
  parts({ terms }: SumModel, groupOf: readonly number[], groups: number): Value {
    const g = this.#g;
    let sum: Value = g.mul(
      g.unsqueeze(g.mul(g.slice(this.#x, 1, 0, 1), 0), [2]),
      g.constant(new Array(groups).fill(0)),
    );
    for (const { base, factor } of terms) {
      const place = { x: this.#x, score: this.#scoreOf(base) };
      sum = g.add(sum, g.mul(baseParts(g, base, place, groupOf, groups), factor));
    }
    return sum;
  }

  #scoreOf(base: BaseModel): Value {
    let score = this.#scores.get(base);
    if (!score) this.#scores.set(base, (score = baseScore(this.#g, base, this.#x)));
    return score;
  }
}
