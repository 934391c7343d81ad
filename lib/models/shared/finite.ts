import { DataError, readShard, shardOf, userHash } from '../../data/index.ts';
import { numberColumn, optionalColumn, textColumn } from '../../features/index.ts';
import type { RunInput, RunManifest } from '../../run/index.ts';
import { byteSource, type ObjectStore } from '../../runtime/index.ts';

/**
 * A model would make NaN of a value that is not finite, and every score after it. Where a row becomes inputs it is looked
 * for, and then for the line of a file that it came from.
 */

/** What is known of a user is no finite number. */
class NotFinite extends DataError {
  override name = 'NotFinite';
  /** Pseudonym. */
  readonly user: string;
  readonly feature: string;

  constructor(user: string, feature: string) {
    super(`the feature ${feature} of a user is no finite number`);
    this.user = user;
    this.feature = feature;
  }
}

/**
 * @param names of the places of a row
 * @throws NotFinite for the first place of row[from, from + names.length) that is not finite
 */
export function checkFinite(
  user: string,
  row: Float32Array,
  from: number,
  names: readonly { readonly name: string }[],
): void {
  for (let k = 0; k < names.length; k++) {
    if (!Number.isFinite(row[from + k])) throw new NotFinite(user, names[k]!.name);
  }
}

/**
 * What `work` gives. A NotFinite of it becomes an error that names the largest number that the run has read of that user:
 * its drop, source, column and time.
 */
export async function namingDrops<T>(
  store: ObjectStore,
  manifest: RunManifest,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof NotFinite)) throw error;
    const largest = await largestOf(store, manifest, error.user);
    if (!largest) throw error;
    const { input, column, value, time } = largest;
    const when = time === undefined ? '' : ` at ${new Date(time).toISOString()}`;
    throw new DataError(
      `${error.message}: the largest number read of that user is ${column} ${value}${when} in ${input.drop} (source ` +
        `${input.source}): correct it there, or leave such rows out by a rule with the action "quarantine"`,
      { cause: error },
    );
  }
}

interface Largest {
  readonly input: RunInput;
  readonly column: string;
  readonly value: number;
  /** ms UTC, where the row has one. */
  readonly time?: number;
}

/** Columns that no shop has named a number in. */
const OWN = new Set(['hash', 'time', 'day', 'hour', 'type', 'flags', 'valid_from', 'version']);

async function largestOf(
  store: ObjectStore,
  { inputs, shards }: RunManifest,
  user: string,
): Promise<Largest | undefined> {
  const shard = shardOf(userHash(user), shards);
  let largest: Largest | undefined;
  for (const input of [...inputs.events, ...inputs.users]) {
    const batches = await readShard(await byteSource(store, input.clean), shard, shards);
    for (const batch of batches) {
      const users = optionalColumn(batch, 'user');
      if (!users) continue;
      const { bytes, offsets } = textColumn(users, 'user', input.clean);
      const wanted = Buffer.from(user);
      const times = optionalColumn(batch, 'time');
      const time = times && numberColumn(times, 'time', input.clean);
      for (const { name, type } of batch.schema.fields) {
        const isNumber = /^(Float|Int|Uint)/.test(String(type));
        const data = isNumber && !OWN.has(name) ? optionalColumn(batch, name) : undefined;
        if (!data) continue;
        const values = numberColumn(data, name, input.clean, Number.NaN);
        for (let row = 0; row < batch.numRows; row++) {
          if (!wanted.equals(bytes.subarray(offsets[row]!, offsets[row + 1]!))) continue;
          const value = values[row]!;
          if (Number.isNaN(value) || Math.abs(value) <= Math.abs(largest?.value ?? 0)) continue;
          largest = { input, column: name, value, ...(time ? { time: time[row]! } : {}) };
        }
      }
    }
  }
  return largest;
}
