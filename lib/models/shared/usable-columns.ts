import type { Config } from '../../config/index.ts';
import { EVENT_TYPES, type EventType } from '../../data/index.ts';
import { featureNames, type UserState } from '../../features/index.ts';

/**
 * Features whose range grows with the age of the data. With less than two years of it, age and season cannot be told
 * apart, and a model that learns from them extrapolates the level of its scores: they are left out until then.
 */
const AGE_BOUND =
  /\.(tenure|log_rate|log_rate_(180|365)d|alive_\d+|gap_max|log_recency_over_max|repeat_rate|active_part|(active_days|visits|money)_(180|365)d|active_days_month_[456])$/;
const TWO_YEARS = 730;

/** Adds the types of events that a user has had. */
export function addTypes(state: UserState, types: Set<EventType>): void {
  EVENT_TYPES.forEach((type, code) => {
    if (state.has(code)) types.add(type);
  });
}

/**
 * Places of the feature vector that a model may use.
 * @param types that the shop has
 * @param span days of history
 */
export function usableColumns(config: Config, types: ReadonlySet<string>, span: number): number[] {
  return featureNames(config).flatMap(({ name }, j) => {
    const [type, rest] = name.split('.');
    if (rest !== undefined && !types.has(type!)) return [];
    return span < TWO_YEARS && AGE_BOUND.test(name) ? [] : [j];
  });
}
