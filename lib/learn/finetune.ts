import { DAY_MS, parseDay } from '../data/index.ts';
import { trainNext } from '../ranking/index.ts';
import { type ModelFiles, promote, putModel } from '../registry/index.ts';
import { type RunManifest, readManifest, type TaskGroup, trainedKey } from '../run/index.ts';
import { type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import { type CurvePoint, curveEvents, encodeEventFile, FitStore } from '../train/index.ts';
import { namingDrops } from './finite.ts';
import type { Progress } from './material.ts';
import { trainTable } from './train-table.ts';
import { trainUsers } from './train-users.ts';

/** `runs/<runId>/finetune.json`: the versions that a run trained, by task group. */
export type TrainedVersions = Readonly<Record<string, string>>;

type Trainer = (
  store: ObjectStore,
  manifest: RunManifest,
  group: TaskGroup,
  progress: Progress,
  fits: FitStore,
) => Promise<ModelFiles>;

const TRAINERS: Record<TaskGroup['kind'], Trainer> = {
  users: trainUsers,
  next: trainNext,
  label: trainTable,
};

/**
 * The finetune job: trains every group of a run for which the manifest names no champion. What an earlier attempt has
 * finished is not done again: neither a group nor, within one, a fit; the fit it was at goes on from its last
 * checkpoint. The model is the same to the bit as that of an attempt that nobody disturbed. A night's first model of a
 * group becomes its champion, and so do a training's; a backfill's and a backtest's never do.
 * @param signal fires when the job is to end: the fit in progress leaves a checkpoint
 * @param checkpointEvery ms between two checkpoints of a fit, by the clock `now`
 * @throws AbortedError once the signal has fired
 */
export async function finetuneRun(args: {
  store: ObjectStore;
  runId: string;
  progress: Progress;
  signal?: AbortSignal | undefined;
  checkpointEvery?: number;
  now?: () => number;
}): Promise<TrainedVersions> {
  const { store, runId, progress, signal, checkpointEvery, now } = args;
  const manifest = await readManifest(store, runId);
  const versions: Record<string, string> = {};
  for (const group of manifest.groups) {
    if (manifest.champions[group.name]) continue;
    const key = `runs/${runId}/finetune-${group.name}.json`;
    const done = await readJson<{ version: string }>(store, key);
    const prefix = `fits/${runId}/${group.name}/`;
    const fits = new FitStore({ store, prefix, signal, checkpointEvery, now });
    const tell = (text: string) => progress(`${group.name}: ${text}`);
    let version = done?.version;
    if (version === undefined) {
      const train = () => TRAINERS[group.kind](store, manifest, group, tell, fits);
      const files = await namingDrops(store, manifest, train);
      version = await putModel(store, group.name, files);
      if (manifest.config.training.tensorboard) await putEventFiles(store, manifest, runId, group, files);
    }
    if (!done) await putJson(store, key, { version }, { ifAbsent: true });
    versions[group.name] = version;
    if (manifest.purpose === 'night' || manifest.purpose === 'training') {
      const { asOf } = manifest;
      const reason = `trained by run ${runId} as of ${asOf ?? 'no time'}`;
      const serves = await promote(store, group.name, version, { asOf, reason });
      if (!serves) tell(`${version} does not serve: a newer decision stands`);
    }
  }
  await putJson(store, trainedKey(runId), versions, { ifAbsent: true });
  return versions;
}

/**
 * The curves of a model's manifest as TensorBoard event files, `runs/<runId>/tensorboard/<group>/<curve>/`. Their time is the
 * as-of time: a training that is repeated gives the same bytes.
 */
async function putEventFiles(
  store: ObjectStore,
  { asOf }: RunManifest,
  runId: string,
  group: TaskGroup,
  files: ModelFiles,
): Promise<void> {
  const text = new TextDecoder().decode(files['manifest.json']);
  const { curve, pretraining = [] }: { curve: CurvePoint[]; pretraining?: CurvePoint[] } = JSON.parse(text);
  const seconds = asOf === null ? 0 : parseDay(asOf) * (DAY_MS / 1000);
  const curves = { ...curveEvents(curve), pretraining: curveEvents(pretraining).train };
  for (const [name, events] of Object.entries(curves)) {
    if (events.length === 0) continue;
    const key = `runs/${runId}/tensorboard/${group.name}/${name}/events.out.tfevents.${seconds}.nightjar`;
    await store.put(key, encodeEventFile(events, seconds));
  }
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
