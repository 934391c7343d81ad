import { parseDay } from '../data/index.ts';
import { type ShardUser, SnapshotWriter, snapshotKey } from '../features/index.ts';
import { type Answers, FAMILIES, type Scorer, type ShardScores, type UserWalk } from '../models/index.ts';
import { readModelFiles } from '../registry/index.ts';
import {
  openUsers,
  planShard,
  profilesKey,
  type RunManifest,
  type RunUsers,
  scoresKey,
} from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { DayTotals } from '../watch/index.ts';
import { emailsOf } from './emails.ts';
import { openProfiler, type Profiler } from './profiles/index.ts';
import { DAYS_KEY, encodeScores } from './scores.ts';

/** The models that score a run, by task group. */
export type Versions = Readonly<Record<string, string>>;

/** Loaded models of a run; one for all shards that a job scores. */
export interface RunScorer {
  /** Scores a shard unless its scores stand already. @returns users scored; undefined when there was nothing to do */
  shard(shard: number): Promise<number | undefined>;
  close(): Promise<void>;
}

/** Opens every model of a run over users. */
export async function openRunScorer(args: {
  store: ObjectStore;
  runId: string;
  manifest: RunManifest;
  versions: Versions;
}): Promise<RunScorer> {
  const { store, runId, manifest, versions } = args;
  // One thread less than training has: this one prepares the next batch meanwhile.
  const threads = Math.max(1, manifest.config.training.threads - 1);
  const scorers: Scorer[] = [];
  for (const group of manifest.groups) {
    const version = versions[group.name];
    const family = FAMILIES[group.kind];
    // A group without a model could not be trained yet.
    if (family.over !== 'users' || version === undefined) continue;
    const files = await readModelFiles(store, group.name, version);
    scorers.push(await family.open(files, { store, runId, manifest, group, threads }));
  }
  const users = openUsers(store, manifest);
  const profiler = await openProfiler(store, manifest, parseDay(manifest.asOf!));
  return {
    async shard(shard) {
      if (await store.head(scoresKey(runId, shard))) return undefined;
      const totals = new DayTotals(parseDay(manifest.asOf!));
      const scores = await scoreShard({ store, runId, manifest, shard, scorers, users, profiler, totals });
      const bytes = encodeScores(scores, {
        ...{ runId, asOf: manifest.asOf!, shard: String(shard) },
        [DAYS_KEY]: totals.encode(),
      });
      await store.put(scoresKey(runId, shard), bytes, { ifAbsent: true });
      return scores.users.length;
    },
    async close() {
      for (const scorer of scorers) await scorer.close();
    },
  };
}

async function scoreShard(args: {
  store: ObjectStore;
  runId: string;
  manifest: RunManifest;
  shard: number;
  scorers: readonly Scorer[];
  users: RunUsers;
  profiler: Profiler | undefined;
  totals: DayTotals;
}): Promise<ShardScores> {
  const { store, runId, manifest, shard, scorers, totals } = args;
  const { config } = manifest;
  const day = parseDay(manifest.asOf!);
  const plan = await planShard(store, manifest, shard);
  const read = await args.users.read(shard, day, plan);
  const names: string[] = [];
  const hashes: number[] = [];
  const snapshot = new SnapshotWriter(config, read.items, plan.snapshotDay);
  const profiles = args.profiler?.shard(read.items);
  const users = seenOnce(read, {
    before(user) {
      names.push(user.user);
      hashes.push(user.hash);
      user.advance(plan.snapshotDay);
      snapshot.add(user.user, user.hash, user.state);
      profiles?.add(user);
    },
    after(user) {
      user.advance(day);
      totals.add(user.state);
    },
  });
  const answers = {
    tasks: {},
    lists: {},
    listReasons: {},
    values: {},
    uplifts: {},
    audiences: {},
  } satisfies Answers;
  for (const scorer of scorers) {
    const { tasks, lists, listReasons, values, uplifts, audiences } = await scorer.score(users, shard);
    Object.assign(answers.tasks, tasks);
    Object.assign(answers.lists, lists);
    Object.assign(answers.listReasons, listReasons);
    Object.assign(answers.values, values);
    Object.assign(answers.uplifts, uplifts);
    Object.assign(answers.audiences, audiences);
  }
  if (manifest.purpose !== 'backtest') {
    await store.put(snapshotKey(config, runId, shard), snapshot.encode(), { ifAbsent: true });
  }
  if (profiles) {
    const bytes = profiles.encode({ runId, asOf: manifest.asOf!, shard: String(shard) });
    await store.put(profilesKey(runId, shard), bytes, { ifAbsent: true });
  }
  const emails = await emailsOf(store, manifest, shard);
  return {
    users: names,
    hashes: Uint32Array.from(hashes),
    ...answers,
    ...(emails ? { emails: names.map((user) => emails.get(user) ?? null) } : {}),
  };
}

/** The same users; the first walk shows each one before it is anybody else's, and when they are done with it. */
function seenOnce(
  users: UserWalk,
  { before, after }: Record<'before' | 'after', (user: ShardUser) => void>,
): UserWalk {
  let walked = false;
  return {
    items: users.items,
    *[Symbol.iterator]() {
      for (const user of users) {
        if (!walked) before(user);
        yield user;
        if (!walked) after(user);
      }
      walked = true;
    },
  };
}

/** What stands of a run's scores. @returns shards whose scores are there */
export async function scoredShards(store: ObjectStore, runId: string, shards: number): Promise<number[]> {
  const done: number[] = [];
  for (let shard = 0; shard < shards; shard++)
    if (await store.head(scoresKey(runId, shard))) done.push(shard);
  return done;
}
