import { parseDay } from '../data/index.ts';
import { dayStart, readAttributes, validRows } from '../features/index.ts';
import type { RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/**
 * The hashed addresses of a shard's users: of several rows of a user the latest valid from before the as-of day, and
 * nothing where that row has no address. Undefined where no source of the run maps addresses.
 */
export async function emailsOf(
  store: ObjectStore,
  { config, asOf, inputs, shards }: RunManifest,
  shard: number,
): Promise<Map<string, string> | undefined> {
  const keys = inputs.users
    .filter(({ source: name }) => {
      const source = config.sources[name];
      return source?.table === 'users' && source.columns.email !== undefined;
    })
    .map(({ clean }) => clean);
  if (keys.length === 0) return undefined;
  const table = await readAttributes(store, keys, { shard, shards });
  const rows = validRows(table, dayStart(config.shop.timeZone, parseDay(asOf!)));
  return new Map(
    [...rows].flatMap(([user, row]) => {
      const email = table.emails[row];
      return email === undefined ? [] : [[user, email] as const];
    }),
  );
}
