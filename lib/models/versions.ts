import { readModelFiles } from '../registry/index.ts';
import { type RunManifest, type TaskGroup, trainedKey } from '../run/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import type { Costs } from './candidates/index.ts';
import type { DescribedAudience, ModelDescription } from './description.ts';
import { FAMILIES } from './families.ts';
import { type GateRecord, gateKey } from './promote.ts';
import type { LeftOut, Scarce } from './shared/index.ts';

/** `runs/<runId>/finetune.json`: the versions that score a run which trained, by task group: new ones, or the champion where the new one was
 * refused; a group without a task to train has none. */
export type TrainedVersions = Readonly<Record<string, string>>;

/** `runs/<runId>/finetune-<group>.json` */
export interface TrainedGroup {
  /** Null where none of the group's tasks can be trained yet. */
  readonly version: string | null;
  readonly leftOut?: readonly LeftOut[];
  /** Of the candidates that were tried, by name. */
  readonly costs?: Readonly<Record<string, Costs>>;
}

export const trainedGroupKey = (runId: string, { name }: Pick<TaskGroup, 'name'>): string =>
  `runs/${runId}/finetune-${name}.json`;

/**
 * What a version of a group's model tells of itself.
 * @throws NightjarError when the version is not there, DataError when it is damaged
 */
export async function describedModel(
  store: ObjectStore,
  { config }: Pick<RunManifest, 'config'>,
  group: TaskGroup,
  version: string,
): Promise<ModelDescription> {
  return FAMILIES[group.kind].describe(await readModelFiles(store, group.name, version), config, group);
}

/** What each candidate cost, by name, when a run trained a group's model; nothing where it trained none. */
export async function costsToTrain(
  store: ObjectStore,
  runId: string,
  group: TaskGroup,
): Promise<NonNullable<TrainedGroup['costs']>> {
  return (await readJson<TrainedGroup>(store, trainedGroupKey(runId, group)))?.costs ?? {};
}

/** A group whose version, trained by a run, did not become champion. */
export interface NotChampion {
  readonly group: string;
  readonly why: string;
  /** Who scores the run: the champion, or the new version, as nobody else can. */
  readonly scores: 'champion' | 'itself';
}

/** Groups whose version, trained by a run, did not become champion, and why. */
export async function notChampions(
  store: ObjectStore,
  runId: string,
  { groups }: Pick<RunManifest, 'groups'>,
): Promise<NotChampion[]> {
  return (await gateRecords(store, runId, { groups })).flatMap(({ group, refused, champion }) =>
    refused === undefined
      ? []
      : [{ group, why: refused, scores: champion === null ? ('itself' as const) : ('champion' as const) }],
  );
}

/** In a sentence. */
export const notChampionText = ({ group, why, scores }: NotChampion): string =>
  scores === 'champion'
    ? `${group}: the new model did not become champion, and the champion scores: ${why}`
    : `${group}: the new model serves this run alone and is no champion: ${why}`;

/** What was found of the versions that a run trained, by group. */
export async function gateRecords(
  store: ObjectStore,
  runId: string,
  { groups }: Pick<RunManifest, 'groups'>,
): Promise<(GateRecord & { readonly group: string })[]> {
  const records = await Promise.all(
    groups.map(({ name }) => readJson<GateRecord>(store, gateKey(runId, name))),
  );
  return records.flatMap((record, i) => (record ? [{ ...record, group: groups[i]!.name }] : []));
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

/** Tasks of a run that there was little data for when their models were trained. */
export async function scarceOf(
  store: ObjectStore,
  manifest: RunManifest,
  versions: Readonly<Record<string, string>>,
): Promise<Scarce[]> {
  const scarce: Scarce[] = [];
  for (const group of manifest.groups) {
    const version = versions[group.name];
    if (version === undefined) continue;
    scarce.push(...((await describedModel(store, manifest, group, version)).scarce ?? []));
  }
  return scarce;
}

/** Tasks of a run that no model answers, and why they were left out when the model was trained. */
export async function leftOutOf(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  versions: Readonly<Record<string, string>>,
): Promise<LeftOut[]> {
  const leftOut: LeftOut[] = [];
  for (const group of manifest.groups) {
    const version = versions[group.name];
    const told =
      version === undefined
        ? await readJson<TrainedGroup>(store, trainedGroupKey(runId, group))
        : await describedModel(store, manifest, group, version);
    leftOut.push(...(told?.leftOut ?? []));
  }
  return leftOut;
}

/** What the models of a run's list tasks know of audiences, by name. */
export async function describedAudiences(
  store: ObjectStore,
  manifest: RunManifest,
  versions: Readonly<Record<string, string>>,
): Promise<Map<string, DescribedAudience>> {
  const asked = new Set(Object.values(manifest.config.exports.audiences ?? {}).map(({ task }) => task));
  const described = new Map<string, DescribedAudience>();
  for (const group of manifest.groups) {
    const version = versions[group.name];
    if (version === undefined || group.kind !== 'next' || !asked.has(group.tasks[0]!)) continue;
    for (const task of (await describedModel(store, manifest, group, version)).tasks) {
      if (task.answers !== 'list') continue;
      for (const audience of task.audiences) described.set(audience.name, audience);
    }
  }
  return described;
}
