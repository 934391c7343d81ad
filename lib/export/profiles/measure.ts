import { closeSync, openSync, readSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../data/index.ts';
import { getBytes, type ObjectStore } from '../../runtime/index.ts';
import { LIFECYCLES, type ProfileColumns, profileColumns } from '../../score/index.ts';
import type { StepContext } from '../context.ts';
import { fileSample } from './anomaly.ts';

/**
 * What the bands and segments of a night are found from: some numbers of each user, in files on the job's disk. `recent` is
 * the negative of the recency, so that more is better in all of them.
 */
export const MEASURES = ['recent', 'purchaseDays', 'money', 'price'] as const;
export type MeasureName = (typeof MEASURES)[number];

/** Values that are read at a time. */
const BLOCK = 1 << 16;

export interface MeasureArguments {
  /** The object with the profiles. */
  readonly key: string;
  readonly shard: number;
}

/** What a shard holds. */
export interface Measured {
  readonly rows: number;
  /** Those who bought, and those of them with a price. */
  readonly buyers: number;
  readonly priced: number;
  /** Users by the code of their lifecycle. */
  readonly lifecycle: readonly number[];
}

/** @throws DataError when the object is not there, or is damaged */
export async function readProfiles(store: ObjectStore, key: string): Promise<ProfileColumns> {
  const bytes = await getBytes(store, key);
  if (bytes) return profileColumns(bytes, key);
  throw new DataError(`${key} is not there: score the whole run before it is exported ("nightjar score")`);
}

const fileOf = (folder: string, name: MeasureName | 'hash', shard: number): string =>
  join(folder, `profile-${name}-${shard}`);

/** Files the numbers of a shard's users. Money counts for those who bought. */
export async function measureShard(
  { store, folder }: StepContext,
  { key, shard }: MeasureArguments,
): Promise<Measured> {
  const profiles = await readProfiles(store, key);
  const { rows, hashes, recency, purchaseDays, money, price, lifecycle } = profiles;
  await fileSample(folder, shard, profiles);
  const ofBuyers = (values: Float64Array) =>
    values.map((value, row) => (purchaseDays[row]! > 0 ? value : Number.NaN));
  const columns: Record<MeasureName | 'hash', Float64Array> = {
    recent: recency.map((days) => 0 - days),
    purchaseDays: ofBuyers(purchaseDays),
    money: ofBuyers(money),
    price,
    hash: Float64Array.from(hashes),
  };
  for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(columns)) {
    await writeFile(fileOf(folder, name as MeasureName, shard), Buffer.from(buffer, byteOffset, byteLength));
  }
  const counts = LIFECYCLES.map((_, code) => lifecycle.reduce((n, own) => n + Number(own === code), 0));
  return {
    rows,
    buyers: purchaseDays.reduce((n, days) => n + Number(days > 0), 0),
    priced: price.reduce((n, value) => n + Number(!Number.isNaN(value)), 0),
    lifecycle: counts,
  };
}

/**
 * Reads columns that `measureShard` has filed, shard after shard, block by block.
 * @returns of each block a row of values for each column
 */
export function* measured(
  folder: string,
  shards: readonly Measured[],
  names: readonly (MeasureName | 'hash')[],
): Generator<Float64Array[]> {
  for (const [shard, { rows }] of shards.entries()) {
    for (let from = 0; from < rows; from += BLOCK) {
      const length = Math.min(BLOCK, rows - from);
      yield names.map((name) => readBlock(fileOf(folder, name, shard), from, length));
    }
  }
}

/** Opened for each block: there may be more shards than a process may have files open. */
function readBlock(path: string, from: number, length: number): Float64Array {
  const values = new Float64Array(length);
  const file = openSync(path, 'r');
  try {
    readSync(file, Buffer.from(values.buffer), 0, 8 * length, 8 * from);
  } finally {
    closeSync(file);
  }
  return values;
}
