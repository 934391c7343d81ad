import { parseDay } from '../../data/index.ts';
import { amountWithin } from '../../features/index.ts';
import type { EvaluateContext, OutcomeCollector, ValueOutcomes } from '../family.ts';
import { perUnit, valueTask } from './value-task.ts';

/** Expected values beside what the tasks' windows then came to. */
export async function valueOutcomes({ manifest, tasks }: EvaluateContext): Promise<OutcomeCollector> {
  const day = parseDay(manifest.asOf!);
  const compared = tasks.map((name) => {
    const into: ValueOutcomes = { kind: 'value', ids: [], truth: [], values: [], low: [], high: [] };
    const task = valueTask(manifest, name);
    return { name, task, unit: perUnit(manifest.config, task), into };
  });
  return {
    outcomes: Object.fromEntries(compared.map(({ name, into }) => [name, into])),
    add(user, scores, row) {
      for (const { name, task, unit, into } of compared) {
        const { value, low, high } = scores.values[name]!;
        if (Number.isNaN(value[row]!)) continue;
        into.ids.push(user.user);
        into.truth.push(amountWithin(user.outcomes, day, task) / unit);
        into.values.push(value[row]!);
        into.low.push(low[row]!);
        into.high.push(high[row]!);
      }
    },
  };
}
