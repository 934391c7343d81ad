import type { EventType } from '../../data/index.ts';
import type { UnitOf } from '../shared/index.ts';
import type { History } from './history.ts';
import type { ItemAttributes } from './item-attributes.ts';
import { buildItemTable, type ItemTable, indexUnits, type UnitIndex } from './item-table.ts';

/** What a model reads beside the task's event. */
export interface Reads {
  /** Other types of events, in the order of their codes. */
  readonly others: readonly EventType[];
  /** What is said of items; undefined where it is not read. */
  readonly attributes: ItemAttributes | undefined;
}

/**
 * The units of a day, and what is known of them.
 * @param place of the day among the history's cut-offs
 */
export function tableOfDay(
  history: History,
  place: number,
  unitOf: UnitOf,
  { others, attributes }: Reads,
): { readonly index: UnitIndex; readonly table: ItemTable } {
  const day = history.cutoffs[place]!;
  const index = indexUnits(history, day, unitOf, attributes && ((had) => attributes.coldBefore(day, had)));
  return { index, table: buildItemTable(history, place, index, others) };
}
