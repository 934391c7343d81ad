import { decodeModel, embed, encodeModel, GraphBuilder, type Value } from '../../engine/onnx/index.ts';
import type { CurvePoint } from '../../engine/train/index.ts';
import type { TaskStrengths } from '../shared/index.ts';
import type { ExportedModel, Fitted, Material } from './candidate.ts';
import type { TaskBlend } from './choose.ts';
import { reasonNames } from './network/index.ts';
import { mixed } from './strength.ts';

/** Members' logits, weighted and corrected: what a choice comes to once its members are fitted on all rows. */
export class Blended implements Fitted {
  readonly #members: readonly Fitted[];
  readonly #tasks: readonly TaskBlend[];

  private constructor(members: readonly Fitted[], tasks: readonly TaskBlend[]) {
    this.#members = members;
    this.#tasks = tasks;
  }

  /**
   * A member that cannot answer a task, which its weights do not know, leaves its weight to the others. Where none can, everybody
   * gets the base rate.
   */
  static async of(
    members: readonly Fitted[],
    tasks: readonly TaskBlend[],
    { used, outcomes }: Pick<Material, 'used' | 'outcomes'>,
  ): Promise<Blended> {
    const row = Int32Array.of(used[0]!);
    const said = await Promise.all(members.map((member) => member.logits(row)));
    const answered = tasks.map((task, t) => {
      const weights = task.weights.map((weight, m) => (Number.isNaN(said[m]![t]!) ? 0 : weight));
      const left = sum(weights);
      const share = sum(task.weights);
      if (left > 0) return { ...task, weights: weights.map((weight) => (weight * share) / left) };
      const able = said.map((one) => Number(!Number.isNaN(one[t]!)));
      if (sum(able) > 0) return { ...task, weights: able.map((one) => one / sum(able)) };
      const intercept = baseLogit(Array.from(used, (at) => outcomes[at * tasks.length + t]!));
      return { weights: able, slope: 1, intercept };
    });
    return new Blended(members, answered);
  }

  /** Numbers of the tasks that no member can answer: everybody gets the base rate. */
  get unanswered(): number[] {
    return this.#tasks.flatMap(({ weights }, t) => (weights.every((weight) => weight === 0) ? [t] : []));
  }

  get curve(): readonly CurvePoint[] {
    return this.#members.find(({ curve }) => curve.length > 0)?.curve ?? [];
  }

  get pretraining(): readonly CurvePoint[] {
    return this.#members.find(({ pretraining }) => pretraining.length > 0)?.pretraining ?? [];
  }

  get notes(): readonly string[] {
    return this.#members.flatMap(({ notes = [] }) => notes);
  }

  async logits(rows: Int32Array): Promise<Float32Array> {
    const said: Float32Array[] = [];
    for (const member of this.#members) said.push(await member.logits(rows));
    const tasks = this.#tasks.length;
    return Float32Array.from({ length: rows.length * tasks }, (_, i) => {
      const { weights, slope, intercept } = this.#tasks[i % tasks]!;
      const blended = weights.reduce(
        (total, weight, m) => total + (weight > 0 ? weight * said[m]![i]! : 0),
        0,
      );
      return slope * blended + intercept;
    });
  }

  /** The members' strengths by their weights. */
  async strengths(rows: Int32Array): Promise<TaskStrengths[]> {
    const each: TaskStrengths[][] = [];
    for (const member of this.#members) each.push(await member.strengths(rows));
    return this.#tasks.map(({ weights }, t) =>
      mixed(
        each.map((own) => own[t]!),
        weights,
      ),
    );
  }

  exported(): ExportedModel {
    const members = this.#members.map((member) => member.exported());
    const features = [...new Set(members.flatMap(({ groups }) => groups))].sort();
    const sequence = members.find((member) => member.sequence)?.sequence ?? null;
    const text = members.find((member) => member.text)?.text;
    const rowTexts = members.find((member) => member.rowTexts)?.rowTexts;
    const described = {
      groups: features,
      sequence,
      ...(text ? { text } : {}),
      ...(rowTexts ? { rowTexts } : {}),
    };
    const names = reasonNames(described);
    const g = new GraphBuilder('propensity');
    const inputs: Record<string, Value> = {};
    const logits: Value[] = [];
    const reasons: Value[] = [];
    members.forEach((member, m) => {
      const graph = decodeModel(member.model);
      for (const { name, dtype, shape } of graph.inputs) inputs[name] ??= g.input(name, dtype, [...shape]);
      // What scoring looks for by its name keeps it: the vectors of texts, which one member reads at most.
      const keep = (name: string) => (member.text && name.startsWith('text.') ? name : `${m}/${name}`);
      const output = embed(g, graph, keep, inputs);
      const weights = this.#tasks.map(({ weights, slope }) => weights[m]! * slope);
      logits.push(g.mul(output.logits!, g.constant(weights)));
      reasons.push(g.mul(this.#placed(g, output.reasons!, reasonNames(member), names), perTask(g, weights)));
    });
    const level = g.constant(this.#tasks.map(({ intercept }) => intercept));
    const total = (values: readonly Value[]) => values.reduce((a, b) => g.add(a, b));
    g.output('logits', g.add(total(logits), level));
    g.output('reasons', total(reasons));
    return {
      ...described,
      model: encodeModel(g.build(), { parametersAs: 'initializers' }),
      files: Object.assign({}, ...members.map(({ files }) => files)),
    };
  }

  /** Reasons of a member in the places of the blend's. */
  #placed(g: GraphBuilder, reasons: Value, own: readonly string[], all: readonly string[]): Value {
    const data = new Float32Array(own.length * all.length);
    own.forEach((name, i) => {
      data[i * all.length + all.indexOf(name)] = 1;
    });
    // A column behind the named ones, of visits that are not read, is 0.
    const named = g.slice(reasons, 2, 0, own.length);
    return g.matmul(named, g.constant({ dtype: 'float32', shape: [own.length, all.length], data }));
  }
}

/** (tasks) -> (1, tasks, 1). */
const perTask = (g: GraphBuilder, weights: readonly number[]): Value =>
  g.constant({ dtype: 'float32', shape: [1, weights.length, 1], data: Float32Array.from(weights) });

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** Logit of the share of 1 among the outcomes that are known, half a row of each kind added; 0 where none is. */
function baseLogit(outcomes: readonly number[]): number {
  const known = outcomes.filter((one) => !Number.isNaN(one));
  return Math.log((sum(known) + 0.5) / (known.length - sum(known) + 0.5));
}
