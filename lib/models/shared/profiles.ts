import {
  type AttributeEncoder,
  attributeNames,
  attributeWriter,
  dayStart,
  type FeatureName,
  fitAttributes,
  readAttributes,
  validRows,
} from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';

/** An encoder is fitted on one shard's users, or on all where a shard has fewer than this. */
const ENOUGH_USERS = 5000;

/** Learns how to encode what is said of users (the `users` tables) from what was valid before a day; null without any. */
export async function fitProfiles(
  store: ObjectStore,
  manifest: RunManifest,
  day: number,
): Promise<AttributeEncoder | null> {
  const keys = manifest.inputs.users.map(({ clean }) => clean);
  if (keys.length === 0) return null;
  const { shards, config } = manifest;
  let table = await readAttributes(store, keys, { shard: 0, shards });
  if (table.rows < ENOUGH_USERS) table = await readAttributes(store, keys);
  const rows = [...validRows(table, dayStart(config.shop.timeZone, day)).values()];
  return rows.length === 0 ? null : fitAttributes(table, rows);
}

/** Name and group of every place of an encoded profile. */
export const profileNames = (encoder: AttributeEncoder | null): FeatureName[] =>
  encoder ? attributeNames(encoder, 'profile').map((feature) => ({ ...feature, group: 'profile' })) : [];

/** Writes the profiles of one shard's users. */
export interface ProfileWriter {
  /** Writes what was known of a user before a day to out[offset, offset + length). */
  write(user: string, day: number, out: Float32Array, offset: number): void;
}

export async function openProfiles(
  store: ObjectStore,
  manifest: RunManifest,
  encoder: AttributeEncoder | null,
  shard: number,
): Promise<ProfileWriter> {
  if (!encoder) return { write: () => {} };
  const { inputs, shards, config } = manifest;
  const table = await readAttributes(
    store,
    inputs.users.map(({ clean }) => clean),
    { shard, shards },
  );
  const writer = attributeWriter(encoder, table);
  const valid = new Map<number, Map<string, number>>();
  return {
    write(user, day, out, offset) {
      let rows = valid.get(day);
      if (!rows) valid.set(day, (rows = validRows(table, dayStart(config.shop.timeZone, day))));
      writer.write(rows.get(user) ?? -1, out, offset);
    },
  };
}
