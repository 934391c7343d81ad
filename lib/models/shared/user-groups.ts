import { parseDay } from '../../data/index.ts';
import { dayStart, readAttributes, validRows } from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** Users of no group, as nothing is said of them. */
const NOT_SAID = '(not said)';

/** An attribute of users that the config names under `fairness`, and whose value each is. */
export interface UserGroups {
  readonly attribute: string;
  readonly groupOf: (user: string) => string;
}

/**
 * The groups of users that the config names, by what is known at the start of a day.
 * @param asOf 'YYYY-MM-DD'
 */
export async function userGroups(
  store: ObjectStore,
  { config, inputs }: Pick<RunManifest, 'config' | 'inputs'>,
  asOf: string,
): Promise<UserGroups[]> {
  if (!config.fairness) return [];
  const table = await readAttributes(
    store,
    inputs.users.map(({ clean }) => clean),
  );
  const rows = validRows(table, dayStart(config.shop.timeZone, parseDay(asOf)));
  return config.fairness.attributes.flatMap((attribute) => {
    const column = table.columns.find(({ name, kind }) => name === attribute && kind === 'category');
    if (column?.kind !== 'category') return [];
    return [{ attribute, groupOf: (user: string) => column.values[rows.get(user) ?? -1] ?? NOT_SAID }];
  });
}
