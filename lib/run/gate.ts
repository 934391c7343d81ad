import { championRun } from '../registry/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import type { RunManifest } from './manifest.ts';
import { readEarlier } from './stored-manifest.ts';

/**
 * Why a model that a run trains may not become the champion of its group, whatever it is worth; undefined where it may.
 * It may not where the run knows too little of the history, or goes without what the champion was trained on: of
 * those drops of the champion's run that are drops still, the share `nightly.minHistory` must be among the run's own.
 */
export async function whyNotChampion(
  store: ObjectStore,
  manifest: RunManifest,
  group: string,
): Promise<string | undefined> {
  const { partial, missing, copies, config } = manifest;
  if (partial !== undefined) return partial;
  const runId = await championRun(store, group);
  const before = runId === undefined ? undefined : await readEarlier(store, runId);
  if (!before) return undefined;
  const here = new Set([...dropsOf(manifest), ...copies.map(({ key }) => key)]);
  const lost = new Set(missing.filter(({ kind }) => kind !== 'expected').map(({ key }) => key));
  const had = dropsOf(before);
  const kept = had.filter((key) => here.has(key)).length;
  const missed = had.filter((key) => !here.has(key) && lost.has(key));
  if (missed.length === 0 || kept >= config.nightly.minHistory * (kept + missed.length)) return undefined;
  return `it goes without ${missed.length} of the ${kept + missed.length} drops that the champion was trained on (${missed[0]})`;
}

const dropsOf = ({ inputs }: RunManifest): string[] =>
  Object.values(inputs).flatMap((own) => own.map(({ drop }) => drop));
