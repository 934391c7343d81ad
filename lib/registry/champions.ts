import { canonicalJson, NightjarError } from '../data/index.ts';
import { type ObjectStore, readJson, readVersion } from '../runtime/index.ts';
import { hasModel } from './registry.ts';

/** A version that serves, or served, and why. */
export interface Champion {
  readonly version: string;
  /** The day as of which it was trained; null for a labelled table alone, which knows no time. */
  readonly asOf: string | null;
  /** Why it became champion: the run that trained it and what it was compared with, or who decided. */
  readonly reason: string;
  /** The run that trained it. Champions of before do not say. */
  readonly runId?: string;
}

/** `models/<group>/champion.json` */
interface ChampionFile extends Champion {
  /** Those that served before, newest first; absent where there were none, as in files of earlier versions. */
  readonly before?: readonly Champion[];
  /** Versions that a person took back; none of them serves again unless a person says so. */
  readonly withdrawn?: readonly string[];
}

/** Champions of before that are kept on record: with one a week, a year. */
const KEPT = 52;

/**
 * The version that serves a task group, or null.
 * @param asOf the day that is to be scored: a version that was trained as of a later day has seen that day's outcome
 * and may not serve it
 */
export async function championOf(store: ObjectStore, group: string, asOf?: string): Promise<string | null> {
  const champion = await readJson<Champion>(store, championKey(group));
  return champion && (asOf === undefined || !isLater(champion, asOf)) ? champion.version : null;
}

/** The run that trained the version which serves a task group, where there is one and it is known. */
export async function championRun(store: ObjectStore, group: string): Promise<string | undefined> {
  return (await readJson<Champion>(store, championKey(group)))?.runId;
}

/** Who serves a task group and who did before, newest first; none where nobody does. */
export async function championsOf(
  store: ObjectStore,
  group: string,
): Promise<{ readonly champions: readonly Champion[]; readonly withdrawn: readonly string[] }> {
  const file = await readJson<ChampionFile>(store, championKey(group));
  if (!file) return { champions: [], withdrawn: [] };
  const { before = [], withdrawn = [], ...champion } = file;
  return { champions: [champion, ...before], withdrawn };
}

const isLater = (champion: Champion, asOf: string) => champion.asOf !== null && champion.asOf > asOf;

/**
 * Lets a version serve, unless the champion was trained as of a later day, a person took the version back, or another
 * process has changed the champion since: then the newer decision stands.
 * @param trained the day as of which the version was trained
 * @param expected who was champion when the version was looked at, null: nobody; left out: whoever it is
 * @returns whether this version now serves
 */
export async function promote(
  store: ObjectStore,
  group: string,
  version: string,
  trained: Omit<Champion, 'version'>,
  expected?: string | null,
): Promise<boolean> {
  const current = await readVersion<ChampionFile>(store, championKey(group));
  if (current?.value.version === version) return true;
  if (current && trained.asOf !== null && isLater(current.value, trained.asOf)) return false;
  if (current?.value.withdrawn?.includes(version)) return false;
  if (expected !== undefined && (current?.value.version ?? null) !== expected) return false;
  const written = await replace(store, group, current, { version, ...trained });
  return written || (await championOf(store, group)) === version;
}

/**
 * Lets a version serve because a person says so, whatever day it is of and whoever took it back.
 * @returns whether anything changed: it may serve already
 * @throws NightjarError when the version is not there, or the champion changed at the same moment
 */
export async function promoteByHand(store: ObjectStore, group: string, champion: Champion): Promise<boolean> {
  const { version } = champion;
  if (!(await hasModel(store, group, version))) {
    throw new NightjarError(
      `${group} has no version ${version}: "nightjar models list" names those that stand`,
    );
  }
  const current = await readVersion<ChampionFile>(store, championKey(group));
  if (current?.value.version === version) return false;
  const withdrawn = (current?.value.withdrawn ?? []).filter((one) => one !== version);
  if (!(await replace(store, group, current, champion, withdrawn))) throw changedMeanwhile(group);
  return true;
}

/**
 * Takes the champion back: the one before it serves again, and the version that is taken back is not promoted anew.
 * @param why stands in the record
 * @returns who serves now
 * @throws NightjarError when nobody served before whose model still stands, or the champion changed at the same moment
 */
export async function rollBack(store: ObjectStore, group: string, why: string): Promise<Champion> {
  const current = await readVersion<ChampionFile>(store, championKey(group));
  const { before = [], withdrawn = [], version = '' } = current?.value ?? {};
  for (const earlier of before) {
    if (withdrawn.includes(earlier.version) || earlier.version === version) continue;
    if (!(await hasModel(store, group, earlier.version))) continue;
    const champion = { ...earlier, reason: `${version} was taken back: ${why}` };
    if (!(await replace(store, group, current, champion, [...withdrawn, version])))
      throw changedMeanwhile(group);
    return champion;
  }
  throw new NightjarError(
    current
      ? `no other version of ${group} served before ${version} and still stands: train one with "nightjar run --retrain", or name one with "nightjar models promote"`
      : `nobody serves ${group} yet, so there is nothing to take back`,
  );
}

/** @returns whether it was written: nobody else wrote meanwhile */
async function replace(
  store: ObjectStore,
  group: string,
  current: { readonly value: ChampionFile; readonly etag: string } | undefined,
  champion: Champion,
  withdrawn = current?.value.withdrawn ?? [],
): Promise<boolean> {
  const { before = [], withdrawn: _, ...former } = current?.value ?? {};
  const served = current ? [former as Champion, ...before].slice(0, KEPT) : [];
  const body = canonicalJson({
    ...champion,
    ...(served.length > 0 ? { before: served } : {}),
    ...(withdrawn.length > 0 ? { withdrawn } : {}),
  } satisfies ChampionFile);
  const condition = current ? { ifMatch: current.etag } : { ifAbsent: true };
  return (await store.put(championKey(group), body, condition)).written;
}

const changedMeanwhile = (group: string) =>
  new NightjarError(
    `the champion of ${group} changed at the same moment: look at it ("nightjar models list") and try again`,
  );

const championKey = (group: string): string => `models/${group}/champion.json`;
