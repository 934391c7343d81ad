import type { BgNbdParameters, CustomerHistories } from '../../../engine/customer-base/index.ts';
import type { GraphBuilder, Value } from '../../../engine/onnx/index.ts';
import type { Material } from '../candidate.ts';
import type { InputTransform } from '../inputs.ts';
import type { TaskModel } from './fitted.ts';

/** Customers that the four parameters are fitted on, at most. */
const MOST_ROWS = 20_000;
/** Chances closer to 0 or 1 have no use as logits. */
const EDGE = 1e-6;

/**
 * What the model reads of an event type, in this order. The time from the first day to the last is the sum of the gaps between
 * them: `tenure` itself is left out of young logs.
 */
const COLUMNS = ['active_days', 'recency', 'gap_mean'] as const;

/** The question of a head, and where its event's columns stand in the raw features. */
export interface Asked {
  readonly horizonDays: number;
  readonly inverted: boolean;
  readonly columns: readonly number[];
}

/** Undefined where the model cannot answer a head. */
export function asked({ config, heads, names }: Material, place: number): Asked | undefined {
  const { task: name, inverted } = heads[place]!;
  const task = config.tasks[name];
  if (task?.kind !== 'event' && task?.kind !== 'absence') return undefined;
  const columns = COLUMNS.map((column) => names.findIndex((one) => one.name === `${task.event}.${column}`));
  return columns.includes(-1) ? undefined : { horizonDays: task.horizonDays, inverted, columns };
}

/** What some rows tell of when customers had the event; rows of users who never had it are left out. */
export function historiesOf(
  { features, width }: Material,
  columns: readonly number[],
  rows: Int32Array,
): CustomerHistories {
  const customers = rows.filter((row) => features[row * width + columns[0]!]! > 0);
  const every = Math.ceil(customers.length / MOST_ROWS);
  const some = customers.filter((_, i) => i % every === 0);
  const [days, since, gaps] = columns.map((column) =>
    Float64Array.from(some, (row) => features[row * width + column]!),
  );
  const frequency = days!.map((count) => count - 1);
  const recency = gaps!.map((mean, i) => mean * frequency[i]!);
  const age = recency.map((last, i) => last + since![i]!);
  return { frequency, recency, age };
}

/** See `probabilityOfTransaction` and `probabilityAlive` of the engine: the same in operators. */
export function modelOf(one: Asked, { r, alpha, a, b }: BgNbdParameters, kept: readonly number[]): TaskModel {
  const score = (g: GraphBuilder, raw: Value): Value => {
    const [days, since, gap] = one.columns.map((column) => {
      const k = kept.indexOf(column);
      return g.slice(raw, 1, k, k + 1);
    });
    const x = g.max(g.sub(days!, 1), 0);
    const last = g.mul(gap!, x);
    const age = g.add(last, since!);
    const rate = g.add(x, r);
    const silence = g.sub(g.log(g.add(age, alpha)), g.log(g.add(last, alpha)));
    const stays = g.sub(g.log(g.div(g.add(g.max(x, 1), b - 1), a)), g.mul(rate, silence));
    // nobody leaves before the first repeat transaction
    const alive = g.where(g.greater(x, 0), g.sigmoid(stays), 1);
    const quiet = g.mul(rate, g.sub(g.log(g.add(age, alpha)), g.log(g.add(age, alpha + one.horizonDays))));
    const chance = g.clip(g.mul(alive, g.sub(1, g.exp(quiet))), EDGE, 1 - EDGE);
    const logit = g.sub(g.log(chance), g.log(g.sub(1, chance)));
    return one.inverted ? g.neg(logit) : logit;
  };
  return {
    score,
    // three dates make one number: it is all of the first column's
    parts(g, raw, groupOf, groups) {
      const group = groupOf[kept.indexOf(one.columns[0]!)]!;
      const all = Array.from({ length: groups }, (_, each) => Number(each === group));
      return g.unsqueeze(g.mul(score(g, raw), g.constant(all)), [1]);
    },
  };
}

/** Raw features, not standardised. */
export const asTheyAre = (kept: readonly number[]): InputTransform => ({
  kept,
  log: kept.map(() => 0),
  low: kept.map(() => -1e9),
  high: kept.map(() => 1e9),
  mean: kept.map(() => 0),
  deviation: kept.map(() => 1),
});
