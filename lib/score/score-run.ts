import { checkAborted } from '../engine/train/index.ts';
import { ensureItemPairs, FAMILIES, namingDrops, versionsOf } from '../models/index.ts';
import { readModelFiles } from '../registry/index.ts';
import { overUsers, readManifest, tableScoresKey, unlabelledScoresKey } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { openRunScorer } from './score-shard.ts';
import { encodeScores } from './scores.ts';

/**
 * The score job: scores a range of shards of a run, and with the first shard the groups that are scored whole and what goes with each item. What is scored
 * already is skipped, so a job that is started again does no work twice.
 * @param shards first shard and the one after the last
 * @param signal fires when the job is to end: the shard in progress is scored to its end, and no other is begun
 * @returns how many users this call scored; those that were scored before are not in it
 * @throws AbortedError when the signal has fired with shards left
 */
export async function scoreRun(args: {
  store: ObjectStore;
  runId: string;
  shards: { from: number; to: number };
  progress: (text: string) => void;
  signal?: AbortSignal | undefined;
}): Promise<{ users: number }> {
  const { store, runId, shards, progress, signal } = args;
  const checkStopped = () => checkAborted(signal, 'scoring was stopped between two shards');
  const manifest = await readManifest(store, runId);
  const versions = await versionsOf(store, runId, manifest);
  const { threads } = manifest.config.training;
  if (shards.from === 0) await ensureItemPairs(store, runId, manifest);
  for (const group of shards.from === 0 ? manifest.groups : []) {
    const version = versions[group.name];
    const family = FAMILIES[group.kind];
    // A group without a model could not be trained yet.
    if (family.over === 'users' || version === undefined) continue;
    checkStopped();
    const task = group.tasks[0]!;
    const key = tableScoresKey(runId, task);
    if (await store.head(key)) {
      progress(`${task}: scored before`);
      continue;
    }
    const context = { store, runId, manifest, group, threads };
    const model = await readModelFiles(store, group.name, version);
    const files = (await family.served?.(model, context, progress)) ?? model;
    const unlabelled = await family.scoreUnlabelled?.(files, context);
    if (unlabelled) {
      const bytes = encodeScores(unlabelled, { runId, task });
      await store.put(unlabelledScoresKey(runId, task), bytes, { ifAbsent: true });
      progress(`${task}: ${unlabelled.users.length} rows without a label`);
    }
    const scores = await family.score(files, context);
    await store.put(key, encodeScores(scores, { runId, task }), { ifAbsent: true });
    progress(`${task}: ${scores.users.length} rows`);
  }
  let scored = 0;
  if (!manifest.groups.some((group) => overUsers(group) && versions[group.name])) return { users: scored };
  const scorer = await openRunScorer({ store, runId, manifest, versions });
  try {
    for (let shard = shards.from; shard < shards.to; shard++) {
      checkStopped();
      const users = await namingDrops(store, manifest, () => scorer.shard(shard));
      scored += users ?? 0;
      const place = `shard ${shard - shards.from + 1} of ${shards.to - shards.from}`;
      progress(users === undefined ? `${place}: scored before` : `${place}: ${users} users`);
    }
  } finally {
    await scorer.close();
  }
  return { users: scored };
}
