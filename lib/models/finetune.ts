import { DAY_MS, parseDay } from '../data/index.ts';
import {
  type ByteStore,
  checkAborted,
  curveEvents,
  encodeEventFile,
  FitStore,
} from '../engine/train/index.ts';
import { hasModel, type ModelFiles, putModel, putVersion } from '../registry/index.ts';
import {
  type Beside,
  type RunManifest,
  type RunUsers,
  readManifest,
  type TaskGroup,
  trainedKey,
  withGatheredUsers,
} from '../run/index.ts';
import { getBytes, type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import type { LatestRows } from './candidates/index.ts';
import { nothingToTrain } from './enough.ts';
import { FAMILIES } from './families.ts';
import { encodeLatest } from './gate/index.ts';
import { latestKey, promoteTrained } from './promote.ts';
import { type LeftOut, namingDrops, type Progress } from './shared/index.ts';
import { recordOf } from './version-record.ts';
import { type TrainedGroup, type TrainedVersions, trainedGroupKey } from './versions.ts';

/**
 * The finetune job: trains every group of a run for which the manifest names no champion. A task that there is not
 * enough data for is left out with its reason, and the others are trained. What an earlier attempt has
 * finished is not done again: neither a group nor, within one, a fit; the fit it was at goes on from its last
 * checkpoint. The model is the same to the bit as that of an attempt that nobody disturbed. A night's models and a
 * training's become champions unless something speaks against them (`promoteTrained`); a backfill's and a backtest's
 * never do.
 * @param signal fires when the job is to end: the fit in progress leaves a checkpoint
 * @param beside processes that read the history beside this one
 * @param checkpointEvery ms between two checkpoints of a fit, by the clock `now`
 * @returns the versions that score the run: a new one, or the champion where the new one was refused
 * @throws AbortedError once the signal has fired, DataError when no task at all can be trained and no champion serves
 */
export async function finetuneRun(args: FinetuneArgs): Promise<TrainedVersions> {
  const { store, runId, progress, beside } = args;
  const manifest = await readManifest(store, runId);
  const versions: Record<string, string> = {};
  const leftOutGroups: LeftOut[] = [];
  // A version that was deleted since is trained again, and what names it is written anew.
  let lost = false;
  const goOn = () => checkAborted(args.signal, 'training was stopped while it read the history');
  await withGatheredUsers(store, manifest, { beside, progress, goOn }, async (users) => {
    for (const group of manifest.groups) {
      if (manifest.champions[group.name]) continue;
      const key = trainedGroupKey(runId, group);
      const tell = (text: string) => progress(`${group.name}: ${text}`);
      const told = await readJson<TrainedGroup>(store, key);
      const gone = told?.version != null && !(await hasModel(store, group.name, told.version));
      lost ||= gone;
      let trained = gone ? undefined : told;
      if (!trained) {
        trained = await trainGroup(args, { manifest, users, group, tell });
        await putJson(store, key, trained, gone ? {} : { ifAbsent: true });
      }
      const { version } = trained;
      if (version === null) {
        leftOutGroups.push(...(trained.leftOut ?? []));
        continue;
      }
      versions[group.name] = promotes(manifest)
        ? await promoteTrained({ store, runId, manifest, group, users, version, tell })
        : version;
    }
  });
  const serves = manifest.groups.some(({ name }) => manifest.champions[name] ?? versions[name]);
  if (!serves) throw nothingToTrain(leftOutGroups);
  await putJson(store, trainedKey(runId), versions, lost ? {} : { ifAbsent: true });
  return versions;
}

interface FinetuneArgs {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  readonly checkpointEvery?: number;
  readonly now?: () => number;
  readonly beside?: Beside | undefined;
}

/** Trains one group, as far as there is enough to learn from, and stores its model. */
async function trainGroup(
  { store, runId, signal, checkpointEvery, now }: FinetuneArgs,
  {
    manifest,
    users,
    group,
    tell,
  }: { manifest: RunManifest; users: () => Promise<RunUsers>; group: TaskGroup; tell: Progress },
): Promise<TrainedGroup> {
  tell('looking whether there is enough to learn from');
  const family = FAMILIES[group.kind];
  const { tasks, leftOut, scarce } = await family.check({ store, manifest, group, users });
  for (const { task, why } of leftOut) tell(`${task} is left out: ${why}`);
  for (const { task, why } of scarce ?? []) tell(`${task}: ${why}`);
  const without = leftOut.length > 0 ? { leftOut } : {};
  if (tasks.length === 0) return { version: null, ...without };
  const prefix = `fits/${runId}/${group.name}/`;
  const fits = new FitStore({ store: bytesOf(store), prefix, signal, checkpointEvery, now });
  const checked = { ...group, tasks, leftOut, ...(scarce ? { scarce } : {}) };
  let costs: TrainedGroup['costs'];
  const tellCosts = (told: TrainedGroup['costs']) => {
    costs = told;
  };
  let latest: readonly LatestRows[] = [];
  const tellLatest = (rows: readonly LatestRows[]) => {
    latest = rows;
  };
  const train = () =>
    family.train({ store, manifest, users, group: checked, progress: tell, fits, tellCosts, tellLatest });
  const files = await namingDrops(store, manifest, train);
  const version = await putModel(store, group.name, files);
  if (promotes(manifest)) {
    if (latest.length > 0) await store.put(latestKey(runId, group.name), encodeLatest(latest));
    await putVersion(store, group.name, await recordOf({ store, runId, manifest, group, version, files }));
  }
  if (manifest.config.training.tensorboard) await putEventFiles(store, manifest, runId, group, files);
  return { version, ...without, ...(costs ? { costs } : {}) };
}

const promotes = ({ purpose }: RunManifest): boolean => purpose === 'night' || purpose === 'training';

/**
 * The curves of a model's manifest as TensorBoard event files, `runs/<runId>/tensorboard/<group>/<curve>/`. Their time is the
 * as-of time: a training that is repeated gives the same bytes.
 */
async function putEventFiles(
  store: ObjectStore,
  { asOf, config }: RunManifest,
  runId: string,
  group: TaskGroup,
  files: ModelFiles,
): Promise<void> {
  const { curve, pretraining } = FAMILIES[group.kind].describe(files, config, group);
  const seconds = asOf === null ? 0 : parseDay(asOf) * (DAY_MS / 1000);
  const curves = { ...curveEvents([...curve]), pretraining: curveEvents([...pretraining]).train };
  for (const [name, events] of Object.entries(curves)) {
    if (events.length === 0) continue;
    const key = `runs/${runId}/tensorboard/${group.name}/${name}/events.out.tfevents.${seconds}.nightjar`;
    await store.put(key, encodeEventFile(events, seconds));
  }
}

const bytesOf = (store: ObjectStore): ByteStore => ({
  get: (key) => getBytes(store, key),
  put: (key, bytes) => store.put(key, bytes),
});
