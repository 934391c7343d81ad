import { encodeModel, type Graph, GraphBuilder, type Value } from '../../../engine/onnx/index.ts';
import type { TaskStrengths } from '../../shared/index.ts';
import type { ExportedModel, Fitted, Material, Standardised } from '../candidate.ts';
import { type InputTransform, transformInputs } from '../inputs.ts';
import { AT_ONCE, runRows, withoutUnanswered } from '../run-rows.ts';
import { summarise } from '../strength.ts';

/** The model of one task over standardised inputs, or of all tasks where they are answered together. */
export interface TaskModel {
  /** x (batch, kept) -> logit (batch, 1); of all tasks (batch, tasks), see `JointAnswers`. */
  score(g: GraphBuilder, x: Value): Value;
  /**
   * What groups of columns add to the logit: with a constant they sum to it.
   * @param groupOf the group of each kept column, from 0
   * @returns (batch, 1, groups); of all tasks (batch, tasks, groups)
   */
  parts(g: GraphBuilder, x: Value, groupOf: readonly number[], groups: number): Value;
}

/** Models over the features alone, one per task, or one of all; null for a task that there is nothing to learn of yet. */
export class FittedTabular implements Fitted {
  readonly curve = [];
  readonly pretraining = [];
  readonly #material: Material;
  readonly #transform: InputTransform;
  readonly #models: readonly (TaskModel | null)[];

  constructor(material: Material, { transform }: Standardised, models: readonly (TaskModel | null)[]) {
    this.#material = material;
    this.#transform = transform;
    this.#models = models;
  }

  async logits(rows: Int32Array): Promise<Float32Array> {
    const tasks = this.#material.heads.length;
    const logits = new Float32Array(rows.length * tasks);
    const { threads } = this.#material.config.training;
    await runRows(this.#graph(), this.#material, rows, threads, (start, output) => {
      logits.set(output.logits!, start * tasks);
    });
    // One model of all tasks answers all of them.
    if (this.#models.length < tasks) return logits;
    return withoutUnanswered(
      logits,
      this.#models.map((model) => model !== null),
    );
  }

  /** Measured on the first rows of those given. */
  async strengths(rows: Int32Array): Promise<TaskStrengths[]> {
    const { kept } = this.#transform;
    const each = kept.map((_, column) => column);
    let effects = new Float32Array(0);
    const graph = this.#graph(each, each.length);
    await runRows(graph, this.#material, rows.subarray(0, AT_ONCE), 1, (_, output) => {
      effects = Float32Array.from(output.reasons!);
    });
    const columns = kept.map((j) => this.#material.names[j]!);
    const { heads } = this.#material;
    return heads.map((_, task) => summarise(effects, heads.length, task, columns));
  }

  exported(): ExportedModel {
    const groupOf = this.#transform.kept.map((j) => this.#material.names[j]!.group);
    const groups = [...new Set(groupOf)].sort();
    const graph = this.#graph(
      groupOf.map((group) => groups.indexOf(group)),
      groups.length,
    );
    const model = encodeModel(graph, { parametersAs: 'initializers' });
    return { model, groups, sequence: null, files: {} };
  }

  /** @param groupOf the group of each kept feature; without groups there are no reasons */
  #graph(groupOf?: readonly number[], groups = 0): Graph {
    const g = new GraphBuilder('tabular');
    const raw = g.input('features', 'float32', ['batch', this.#material.width]);
    const x = transformInputs(g, raw, this.#transform);
    const nothing = g.mul(g.slice(x, 1, 0, 1), 0);
    const scores = this.#models.map((model) => model?.score(g, x) ?? nothing);
    g.output('logits', scores.length === 1 ? g.op('Identity', scores) : g.concat(scores, 1));
    if (groupOf) {
      const none = () => g.mul(g.unsqueeze(nothing, [2]), g.constant(new Array(groups).fill(0)));
      const parts = this.#models.map((model) => model?.parts(g, x, groupOf, groups) ?? none());
      g.output('reasons', parts.length === 1 ? g.op('Identity', parts) : g.concat(parts, 1));
    }
    return g.build();
  }
}
