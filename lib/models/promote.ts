import { type Config, gateSettings } from '../config/index.ts';
import { promote } from '../registry/index.ts';
import { type RunManifest, type RunUsers, type TaskGroup, whyNotChampion } from '../run/index.ts';
import { getBytes, type ObjectStore, putJson, readJson } from '../runtime/index.ts';
import { decodeLatest, type Findings, judge } from './gate/index.ts';
import type { Progress } from './shared/index.ts';

/** `runs/<runId>/gate-<group>.json`: what was found of a version that a run trained, and what followed. */
export interface GateRecord extends Findings {
  readonly version: string;
  /** Why it did not become champion; absent where nothing speaks against it. */
  readonly refused?: string;
}

export const gateKey = (runId: string, group: string): string => `runs/${runId}/gate-${group}.json`;

/** What the version's form said of rows that its training had held out: written with the version, read by what compares it. */
export const latestKey = (runId: string, group: string): string =>
  `runs/${runId}/held-out-${group}.safetensors`;

/**
 * The stage behind a training: a version becomes champion of its group unless something speaks against it. What was found
 * is written once, before anybody is promoted, so that a job that is started again decides the same. Of two trainings at
 * the same time the one that promotes first wins, as the other was compared with somebody who serves no more.
 * @returns the version that scores the run: the champion where the new version was refused and there is one
 */
export async function promoteTrained(args: {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly manifest: RunManifest;
  readonly group: TaskGroup;
  readonly users: () => Promise<RunUsers>;
  readonly version: string;
  readonly tell: Progress;
}): Promise<string> {
  const { store, runId, manifest, group, users, version, tell } = args;
  const key = gateKey(runId, group.name);
  let record = await readJson<GateRecord>(store, key);
  if (record?.version !== version) {
    tell('comparing the new model with the one that serves');
    const rows = await getBytes(store, latestKey(runId, group.name));
    const latest = rows ? decodeLatest(rows) : [];
    const findings = await judge({ store, runId, manifest, group, users }, version, latest);
    const refused =
      (await whyNotChampion(store, manifest, group.name)) ?? whyRefused(manifest.config, findings);
    record = { version, ...findings, ...(refused === undefined ? {} : { refused }) };
    await putJson(store, key, record);
  }
  const { champion, replaces, refused, checks } = record;
  if (refused !== undefined) {
    tell(`${version} does not become champion: ${refused}`);
    return champion ?? version;
  }
  const { asOf } = manifest;
  const compared = champion === null ? '' : `; ${checks.length} checks beside ${champion}`;
  const reason = `trained by run ${runId} as of ${asOf ?? 'no time'}${compared}`;
  const serves = await promote(store, group.name, version, { asOf, reason, runId }, replaces);
  if (!serves) tell(`${version} does not serve: a newer decision stands`);
  return version;
}

/** Where nobody serves there is nobody to fall back on, and a version that says something is better than none. */
function whyRefused(config: Config, { champion, checks }: Findings): string | undefined {
  const { promote: how } = gateSettings(config);
  const failed = checks.filter(({ passed }) => !passed);
  if (champion === null) return failed.find(({ check }) => check === 'fails')?.said;
  if (how === 'always') return undefined;
  if (failed.length > 0) return failed.map(({ task, said }) => `${task}: ${said}`).join('; ');
  return how === 'never'
    ? 'the config leaves it to a person ("nightjar models promote"); nothing speaks against it'
    : undefined;
}
