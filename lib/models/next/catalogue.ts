import { getBytes, type ObjectStore } from '../../runtime/index.ts';
import { decodeItemTable } from './item-table-file.ts';
import { itemTableKey } from './run-item-table.ts';

/** What lists could name: the units that somebody had to do with before the as-of day. */
export interface Catalogue {
  readonly units: number;
  /** Users who had each unit by the task's event, all units together. */
  readonly pairs: number;
  /** Users who had it; undefined for what is no unit. */
  usersOf(unit: string): number | undefined;
  /** Days from the first event of the task with it to the as-of day; 0 where there was none yet. */
  ageOf(unit: string): number | undefined;
}

/**
 * The units of a run's item table.
 * @param reads what the model reads beside the task's event
 * @returns undefined where the table has been deleted
 */
export async function readCatalogue(
  store: ObjectStore,
  runId: string,
  task: string,
  reads: Parameters<typeof itemTableKey>[2],
): Promise<Catalogue | undefined> {
  const key = itemTableKey(runId, task, reads);
  const bytes = await getBytes(store, key);
  if (!bytes) return undefined;
  const { names, users, age } = decodeItemTable(bytes, key);
  const places = new Map(names.map((name, i) => [name, i]));
  const of = (column: Float64Array) => (unit: string) => {
    const place = places.get(unit);
    return place === undefined ? undefined : column[place]!;
  };
  return {
    units: names.length,
    pairs: users.reduce((sum, n) => sum + n, 0),
    usersOf: of(users),
    ageOf: of(age),
  };
}
