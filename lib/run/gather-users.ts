import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteSource, parseDay, shardName } from '../data/index.ts';
import { DayRows, readShardDays, ShardedFiles, type ShardUsers } from '../features/index.ts';
import { type ObjectStore, withScratch } from '../runtime/index.ts';
import type { RunManifest } from './manifest.ts';
import { packHistory } from './pack-history.ts';
import { movedRows, openIds, openUsers, type RunUsers } from './read-users.ts';
import { type ShardRange, shardRange } from './shard-range.ts';

/**
 * Entries of user-days that a training reads at most (an entry: the events of one type, visit and item). Shards are cut by a
 * hash of the user, so the first of them are a sample of users, and beyond this bound a sample is as good: rows to fit on
 * are drawn from it (160,000) and not held all at once. About a gigabyte on disk.
 */
const MOST_ENTRIES = 16_000_000;

export interface GatherOptions {
  /** Entries that are read at most, about. */
  readonly limit?: number;
  readonly beside?: Beside | undefined;
  readonly progress?: (text: string) => void;
  /** Called before each shard: throws when the work is to end. */
  readonly goOn?: () => void;
}

/** Processes that read beside a training. */
export interface Beside {
  /** How many, for so many entries. */
  readers(entries: number): number;
  /** Has one of them call `gatherShards`. */
  read(folder: string, shards: ShardRange): Promise<void>;
}

/**
 * The users of a run for a training, which looks at them a dozen times (to count, to encode, at each past day that it tries
 * candidates as of). The history is read once, when somebody first asks, as far as the as-of day: each shard's users with
 * their merged days are left in a folder of this machine, so that no later look costs a request. Of a large shop a sample of
 * the users is read.
 */
export function withGatheredUsers<T>(
  store: ObjectStore,
  manifest: RunManifest,
  options: GatherOptions,
  work: (users: () => Promise<RunUsers>) => Promise<T>,
): Promise<T> {
  return withScratch('users', (folder) => {
    let gathered: Promise<RunUsers> | undefined;
    return work(() => (gathered ??= gatherUsers(store, manifest, folder, options)));
  });
}

async function gatherUsers(
  store: ObjectStore,
  manifest: RunManifest,
  folder: string,
  { limit = MOST_ENTRIES, beside, progress, goOn }: GatherOptions,
): Promise<RunUsers> {
  const onShard = (text: string) => {
    goOn?.();
    progress?.(text);
  };
  await packHistory(store, manifest);
  const users = openIds(store, manifest);
  progress?.(`reading the history: shard 1 of ${manifest.shards}`);
  const entries = await gather(users, manifest, folder, { from: 0, to: 1 }, goOn);
  const count = shardsWithin(limit, entries, manifest);
  const readers = beside?.readers(entries * count) ?? 0;
  const parts = Math.min(readers + 1, count - 1);
  // The first is there.
  const ranges = Array.from({ length: parts }, (_, i) => {
    const { from, to } = shardRange(count - 1, parts, i);
    return { from: from + 1, to: to + 1 };
  });
  const [own] = ranges;
  // All end before the folder goes.
  const ends = await Promise.allSettled([
    ...ranges.slice(1).map((range) => beside!.read(folder, range)),
    ...(own ? [gather(users, manifest, folder, own, (shard) => onShard(tell(shard, own, count)))] : []),
  ]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return gatheredUsers(store, manifest, folder, count);
}

/** How many shards are read. It depends on the data alone: all that is learnt depends on it. */
const shardsWithin = (limit: number, entriesOfOne: number, { shards }: RunManifest): number =>
  Math.max(1, Math.min(shards, Math.floor(limit / Math.max(1, entriesOfOne))));

/** The users that a training of the same run would read, where they lie in the store. */
export async function sampledUsers(
  store: ObjectStore,
  manifest: RunManifest,
  limit = MOST_ENTRIES,
): Promise<RunUsers> {
  let entries = 0;
  for (const { days } of await openIds(store, manifest).read(0, parseDay(manifest.asOf!))) {
    for (const { start, end } of days) entries += end - start;
  }
  const users = openUsers(store, manifest);
  return { ...users, shards: users.shards.slice(0, shardsWithin(limit, entries, manifest)) };
}

const tell = (shard: number, { to }: ShardRange, count: number): string =>
  `reading the history: shard ${shard + 1} of ${to}${to < count ? `, others of ${count} beside` : ''}`;

/** What a reader beside a training does: gathers a range of shards into its folder. */
export async function gatherShards(
  store: ObjectStore,
  manifest: RunManifest,
  folder: string,
  shards: ShardRange,
): Promise<void> {
  await gather(openIds(store, manifest), manifest, folder, shards);
}

/** @returns entries that were written */
async function gather(
  users: RunUsers,
  { asOf }: RunManifest,
  folder: string,
  shards: ShardRange,
  onShard?: (shard: number) => void,
): Promise<number> {
  let entries = 0;
  for (let shard = shards.from; shard < shards.to; shard++) {
    onShard?.(shard);
    const read = await users.read(shard, parseDay(asOf!));
    const rows = new DayRows(read.items);
    for (const { user, hash, days } of read) for (const day of days) rows.add(user, hash, day);
    entries += rows.entries;
    await writeFile(join(folder, shardName(shard)), rows.encode(1));
  }
  return entries;
}

/** The users that were gathered: their shards lie in a folder, each whole in one file, before anything is joined. */
function gatheredUsers(store: ObjectStore, manifest: RunManifest, folder: string, count: number): RunUsers {
  const { config, shards } = manifest;
  return {
    shards: Array.from({ length: count }, (_, shard) => shard),
    async read(shard, before): Promise<ShardUsers> {
      // Nothing is kept from one shard to the next: the system's cache of files is near enough.
      const files = new ShardedFiles((key) => fileSource(join(folder, key)), 0);
      return readShardDays({
        store,
        files,
        config,
        inputs: [{ key: shardName(shard) }],
        shard,
        shards,
        before,
        moved: await movedRows(store, manifest, before),
      });
    },
  };
}

async function fileSource(path: string): Promise<ByteSource> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return { name: path, size, read: (start, end) => readRange(path, start, end) };
  } finally {
    await file.close();
  }
}

async function readRange(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(end - start), 0, end - start, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
