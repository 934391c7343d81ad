import { trainNext } from '../ranking/index.ts';
import { championOf, type ModelFiles, promote, putModel } from '../registry/index.ts';
import { type RunManifest, readManifest, type TaskGroup } from '../run/index.ts';
import { type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import type { Progress } from './candidate.ts';
import { trainTable } from './train-table.ts';
import { trainUsers } from './train-users.ts';

/** `runs/<runId>/finetune.json`: the versions that a run trained, by task group. */
export type TrainedVersions = Readonly<Record<string, string>>;

export const trainedKey = (runId: string): string => `runs/${runId}/finetune.json`;

type Trainer = (
  store: ObjectStore,
  manifest: RunManifest,
  group: TaskGroup,
  progress: Progress,
) => Promise<ModelFiles>;

const TRAINERS: Record<TaskGroup['kind'], Trainer> = {
  users: trainUsers,
  next: trainNext,
  label: trainTable,
};

/**
 * The finetune job: trains every group of a run for which the manifest names no champion. A group whose training was
 * finished by an earlier attempt is not trained again. A night's first model of a group becomes its champion; a
 * backtest's never does.
 */
export async function finetuneRun(args: {
  store: ObjectStore;
  runId: string;
  progress: Progress;
}): Promise<TrainedVersions> {
  const { store, runId, progress } = args;
  const manifest = await readManifest(store, runId);
  const versions: Record<string, string> = {};
  for (const group of manifest.groups) {
    if (manifest.champions[group.name]) continue;
    const key = `runs/${runId}/finetune-${group.name}.json`;
    const done = await readJson<{ version: string }>(store, key);
    const version =
      done?.version ??
      (await putModel(
        store,
        group.name,
        await TRAINERS[group.kind](store, manifest, group, (text) => progress(`${group.name}: ${text}`)),
      ));
    if (!done) await putJson(store, key, { version }, { ifAbsent: true });
    versions[group.name] = version;
    if (manifest.purpose === 'night' && (await championOf(store, group.name)) !== version) {
      await promote(
        store,
        group.name,
        version,
        `trained by run ${runId} as of ${manifest.asOf ?? 'no time'}`,
      );
    }
  }
  await putJson(store, trainedKey(runId), versions, { ifAbsent: true });
  return versions;
}

/** The version of each group that scores a run: the champion that its manifest pins, else what it trained itself. */
export async function versionsOf(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
): Promise<Record<string, string>> {
  const trained = (await readJson<TrainedVersions>(store, trainedKey(runId))) ?? {};
  const versions: Record<string, string> = {};
  for (const { name } of manifest.groups) {
    const version = manifest.champions[name] ?? trained[name];
    if (version) versions[name] = version;
  }
  return versions;
}
