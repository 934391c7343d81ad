import { parseDay } from '../data/index.ts';
import { ByteCache, type ShardUser, SnapshotWriter, snapshotKey } from '../features/index.ts';
import { openProfiles } from '../models/users/profiles.ts';
import { openTexts, type RunTexts, TextNumbers } from '../models/users/texts.ts';
import { type UsersModelManifest } from '../models/users/train.ts';
import { type NextScorer, openNextScorer } from '../models/next/score.ts';
import { readModelFiles } from '../registry/index.ts';
import { planShard, type RunManifest, readUsers, scoresKey } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { emailsOf } from './emails.ts';
import { namedValues } from '../models/shared/reasons.ts';
import { openUserScorer, type UserScorer } from '../models/users/score.ts';
import { encodeScores, type ShardScores } from './scores.ts';

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
  const { config } = manifest;
  // One thread less than training has: this one prepares the next batch meanwhile.
  const threads = Math.max(1, config.training.threads - 1);
  let users: UserScorer | undefined;
  let profile: UsersModelManifest['profile'] = null;
  let texts: RunTexts | undefined;
  const lists: { task: string; scorer: NextScorer }[] = [];
  for (const group of manifest.groups) {
    const version = versions[group.name];
    // A group without a model could not be trained yet.
    if (version === undefined) continue;
    if (group.kind === 'users') {
      const files = await readModelFiles(store, group.name, version);
      const description: UsersModelManifest = JSON.parse(new TextDecoder().decode(files['manifest.json']));
      users = await openUserScorer({ config, manifest: description, files, threads });
      profile = description.profile;
      texts = description.text && (await openTexts(store, manifest, config.text!, new ByteCache()));
    } else if (group.kind === 'next') {
      const task = group.tasks[0]!;
      lists.push({ task, scorer: await openNextScorer({ store, runId, manifest, task, version, threads }) });
    }
  }
  const cache = new ByteCache();
  return {
    async shard(shard) {
      if (await store.head(scoresKey(runId, shard))) return undefined;
      const scores = await scoreShard({ store, runId, manifest, shard, users, profile, texts, lists, cache });
      const bytes = encodeScores(scores, { runId, asOf: manifest.asOf!, shard: String(shard) });
      await store.put(scoresKey(runId, shard), bytes, { ifAbsent: true });
      return scores.users.length;
    },
    async close() {
      await users?.close();
      for (const { scorer } of lists) await scorer.close();
    },
  };
}

async function scoreShard(args: {
  store: ObjectStore;
  runId: string;
  manifest: RunManifest;
  shard: number;
  users: UserScorer | undefined;
  profile: UsersModelManifest['profile'];
  texts: RunTexts | undefined;
  lists: readonly { task: string; scorer: NextScorer }[];
  cache: ByteCache;
}): Promise<ShardScores> {
  const { store, runId, manifest, shard, lists, cache } = args;
  const { config } = manifest;
  const day = parseDay(manifest.asOf!);
  const plan = await planShard(store, manifest, shard);
  const read = await readUsers(store, manifest, { shard, before: day, cache, plan });
  const names: string[] = [];
  const hashes: number[] = [];
  const itemText = (id: number) => read.items.text(id);
  const snapshot = new SnapshotWriter(config, read.items, plan.snapshotDay);
  const see = (user: ShardUser) => {
    names.push(user.user);
    hashes.push(user.hash);
    user.advance(plan.snapshotDay);
    snapshot.add(user.user, user.hash, user.state);
  };
  let tasks: ShardScores['tasks'] = {};
  if (args.users) {
    const profiles = await openProfiles(store, manifest, args.profile, shard);
    const numbers = new TextNumbers();
    const writer = await args.texts?.shard(shard, numbers, read.items, { from: day, before: day });
    const texts = writer && { writer, numbers };
    tasks = (await args.users.score(read, day, itemText, see, profiles, texts)).tasks;
  }
  if (!args.users) for (const user of read) see(user);
  if (manifest.purpose !== 'backtest') {
    await store.put(snapshotKey(config, runId, shard), snapshot.encode(), { ifAbsent: true });
  }
  const topLists: ShardScores['lists'] = {};
  for (const { task, scorer } of lists) {
    const top = await scorer.top(read);
    topLists[task] = top.map((items) => (items.length > 0 ? namedValues(items) : null));
  }
  const emails = await emailsOf(store, manifest, shard);
  return {
    users: names,
    hashes: Uint32Array.from(hashes),
    tasks,
    lists: topLists,
    ...(emails ? { emails: names.map((user) => emails.get(user) ?? null) } : {}),
  };
}

/** What stands of a run's scores. @returns shards whose scores are there */
export async function scoredShards(store: ObjectStore, runId: string, shards: number): Promise<number[]> {
  const done: number[] = [];
  for (let shard = 0; shard < shards; shard++)
    if (await store.head(scoresKey(runId, shard))) done.push(shard);
  return done;
}
