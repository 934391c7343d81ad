import type { Config } from '../../config/index.ts';
import { parseDay } from '../../data/index.ts';
import { decodeModel, encodeModel } from '../../engine/onnx/index.ts';
import { openSession } from '../../engine/train/index.ts';
import type { ShardUser } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { cutAtVectors, KeptVectors, TextVectors } from '../candidates/index.ts';
import type { ScoreContext, Scorer, TaskScores } from '../family.ts';
import { openAsking, openProfiles, parseManifest, tokenizerOf } from '../shared/index.ts';
import { type UsersModelManifest, usersManifest } from './manifest.ts';
import { ShardScorer, type ShardScoring } from './shard-scorer.ts';
import { openTexts, TextNumbers } from './texts.ts';
import { namedTasks } from './user-rows.ts';

/** Opens a users model for the shards of a run. */
export async function openUsersScorer(files: ModelFiles, context: ScoreContext): Promise<Scorer> {
  const { store, manifest: run, threads } = context;
  const { config } = run;
  const day = parseDay(run.asOf!);
  const manifest = parseManifest(usersManifest, files);
  const model = await openUsersModel({ config, manifest, files, threads });
  const tasks = namedTasks(
    config,
    manifest.heads.map(({ task }) => task),
  );
  const asking = await openAsking(store, run, tasks);
  const texts = manifest.text && (await openTexts(store, run, config.text!));
  return {
    async score(users, shard) {
      const profiles = await openProfiles(store, run, manifest.profile, shard);
      const numbers = new TextNumbers();
      const writer = await texts?.shard(shard, numbers, users.items, { from: day, before: day });
      const itemText = (id: number) => users.items.text(id);
      const tasks = await model.score(users, {
        day,
        itemText,
        profiles,
        texts: writer && { writer, numbers },
        asked: await asking.shard(shard, users, [day]),
      });
      return { tasks };
    },
    close: () => model.close(),
  };
}

/** A loaded users model. */
interface UsersModel {
  /** @param users each advanced to the day by this call, in order */
  score(
    users: Iterable<ShardUser>,
    shard: Pick<ShardScoring, 'day' | 'itemText' | 'profiles' | 'texts' | 'asked'>,
  ): Promise<Record<string, TaskScores>>;
  close(): Promise<void>;
}

/**
 * Opens the graph of a users model. One that reads texts is cut where their vectors are, so that each distinct text is
 * encoded once.
 */
export async function openUsersModel(args: {
  config: Config;
  manifest: UsersModelManifest;
  files: ModelFiles;
  threads: number;
}): Promise<UsersModel> {
  const { config, manifest, files, threads } = args;
  let model = files['model.onnx']!;
  let vectors: KeptVectors | undefined;
  if (manifest.text) {
    const { encoder, rest } = cutAtVectors(decodeModel(model));
    const { maxLength } = manifest.text;
    vectors = new KeptVectors(new TextVectors(encoder, tokenizerOf(files), { maxLength, threads }));
    model = encodeModel(rest, { parametersAs: 'initializers' });
  }
  const session = await openSession(model, { threads });
  return {
    score: (users, shard) => new ShardScorer({ config, manifest, session, vectors, ...shard }).run(users),
    async close() {
      await session.close();
      await vectors?.close();
    },
  };
}
