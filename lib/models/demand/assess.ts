import { forecastErrors } from '../../engine/forecast/index.ts';
import { coverage } from '../../engine/metrics/index.ts';
import type { DemandAssessment } from '../description.ts';
import type { DemandOutcomes } from '../family.ts';

/** Items that forecasts are judged on where nobody says another number: of the others most sell a piece now and then. */
export const LARGEST = 200;

/**
 * How far expected units were off, for the items that had sold most before.
 * @param most items that are judged
 */
export function assessDemand(
  outcomes: Omit<DemandOutcomes, 'kind' | 'stockout'>,
  most = LARGEST,
): DemandAssessment {
  const { ids, past, naive, average } = outcomes;
  const order = ids
    .map((_, i) => i)
    .sort((a, b) => past[b]! - past[a]! || (ids[a]! < ids[b]! ? -1 : 1))
    .slice(0, most);
  const of = (values: readonly number[]) => order.map((i) => values[i]!);
  const sum = (values: readonly number[]) => values.reduce((total, one) => total + one, 0);
  const [real, units] = [of(outcomes.real), of(outcomes.units)];
  return {
    n: order.length,
    real: sum(real),
    expected: sum(units),
    ...forecastErrors(units, real),
    coverage: order.length > 0 ? coverage(real, of(outcomes.low), of(outcomes.high)) : null,
    naive: forecastErrors(of(naive), real),
    average: forecastErrors(of(average), real),
  };
}
