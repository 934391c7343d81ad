import { checkAborted } from '../engine/train/index.ts';
import { namingDrops } from '../models/shared/finite.ts';
import { versionsOf } from '../models/finetune.ts';
import { readManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { openRunScorer } from './score-shard.ts';
import { scoreTable } from '../models/table/score.ts';

/**
 * The score job: scores a range of shards of a run, and with the first shard the labelled tables. What is scored
 * already is skipped, so a job that is started again does no work twice.
 * @param shards first shard and the one after the last
 * @param signal fires when the job is to end: the shard in progress is scored to its end, and no other is begun
 * @throws AbortedError when the signal has fired with shards left
 */
export async function scoreRun(args: {
  store: ObjectStore;
  runId: string;
  shards: { from: number; to: number };
  progress: (text: string) => void;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const { store, runId, shards, progress, signal } = args;
  const checkStopped = () => checkAborted(signal, 'scoring was stopped between two shards');
  const manifest = await readManifest(store, runId);
  const versions = await versionsOf(store, runId, manifest);
  if (shards.from === 0) {
    for (const { kind, name, tasks } of manifest.groups) {
      const version = versions[name];
      // A group without a model could not be trained yet.
      if (kind !== 'label' || version === undefined) continue;
      checkStopped();
      const rows = await scoreTable({
        store,
        runId,
        manifest,
        group: name,
        task: tasks[0]!,
        version,
      });
      progress(rows === undefined ? `${tasks[0]}: scored before` : `${tasks[0]}: ${rows} rows`);
    }
  }
  if (!manifest.groups.some(({ kind, name }) => kind !== 'label' && versions[name])) return;
  const scorer = await openRunScorer({ store, runId, manifest, versions });
  try {
    for (let shard = shards.from; shard < shards.to; shard++) {
      checkStopped();
      const users = await namingDrops(store, manifest, () => scorer.shard(shard));
      const place = `shard ${shard - shards.from + 1} of ${shards.to - shards.from}`;
      progress(users === undefined ? `${place}: scored before` : `${place}: ${users} users`);
    }
  } finally {
    await scorer.close();
  }
}
