import { mappingOf, prefixOf, sourceOf } from '../clean/index.ts';
import { type Config, parseConfig } from '../config/index.ts';
import { ConfigError } from '../data/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { nightsBefore, readClaim } from './claims.ts';
import { type HistoryPart, shareText, shortSources } from './history.ts';
import { type DropState, hasRows, type Settings } from './inputs.ts';
import type { Missing } from './manifest.ts';
import { isFinished } from './stages.ts';
import { readStored, type StoredManifest } from './stored-manifest.ts';

/**
 * When the mapping of a source changes, or the version of cleaning, every drop of its history is to be cleaned again. Until
 * enough of it is, a night goes by the settings of the last one as a whole, and by what was cleaned by them: they belong
 * to the models that serve. Within a night all drops of a source are of one mapping, for rows of two would tell the same
 * events in two forms. So a drop that only the new mapping has read is left out, by name.
 * @returns the settings of the last night; undefined where those of now read every source in the same way
 */
export function settingsBefore(config: Config, last: StoredManifest): Required<Settings> | undefined {
  const mappings = mappingsOf(last);
  const changed = [...mappings].some(([name, mapping]) => {
    const source = config.sources[name];
    return !source || mappingOf(config, { name, source }) !== mapping;
  });
  const before = changed ? settingsOf(last) : undefined;
  const why = `not by the settings of the night of ${last.asOf}, which are used until the history is cleaned by new ones`;
  return before && { config: before, earlier: { mappings, why } };
}

/**
 * Of the drops that the last settings have rows of, and that are drops still, the settings of now must have rows of the
 * share `nightly.minHistory` in each source. A drop they refuse, or find no row in, is one that they do not have: a mapping
 * that reads nothing must not end the nights.
 * @param had from `bytesBefore`
 * @returns which sources' changed settings are not used yet, and why: none where the settings of now are to be used
 */
export function unusedSettings(config: Config, last: StoredManifest, had: Iterable<HistoryPart>): Missing[] {
  return shortSources(config, had).map((short): Missing => {
    const { name, source } = short.source;
    return {
      kind: 'settings',
      key: prefixOf(name, source),
      why: `the changed settings are not used yet, those of the night of ${last.asOf} are: by the changed ones ${shareText(short, config)}`,
    };
  });
}

/** What the settings of before have rows of, and whether those of now have some of it too. */
export function* bytesBefore(
  now: Config,
  drops: readonly DropState[],
  before: Config,
  dropsBefore: readonly DropState[],
): Generator<HistoryPart> {
  const read = new Map(drops.map((drop) => [drop.key, drop]));
  for (const drop of dropsBefore) {
    const source = sourceOf(before, drop.key);
    // Of what no source takes any more, nothing is to be had.
    if (!source || !hasRows(drop) || !sourceOf(now, drop.key)) continue;
    yield { source, size: drop.size, through: hasRows(read.get(drop.key)) };
  }
}

/** By which mapping a run read each of its sources: the first half of the revisions of its inputs. */
function mappingsOf(last: StoredManifest): Map<string, string> {
  if (last.index) return new Map(Object.entries(last.index.mappings));
  const all = [...Object.values(last.inputs).flat()];
  return new Map(all.map(({ source, revision }) => [source, revision.slice(0, revision.length / 2)]));
}

/** Settings that an earlier version of the code wrote, as this one reads them; undefined where it cannot. */
function settingsOf({ config }: StoredManifest): Config | undefined {
  try {
    return parseConfig(config);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** The manifest of the last finished night, by store: what it says never changes. */
const remembered = new WeakMap<ObjectStore, { readonly runId: string; readonly manifest: StoredManifest }>();
/** Nights that failed are passed over, of the last week. */
const NIGHTS_BACK = 7;

/** The last night before a day that was finished, as far as a week back. */
export async function lastNight(store: ObjectStore, asOf: string): Promise<StoredManifest | undefined> {
  for (const key of (await nightsBefore(store, asOf)).slice(0, NIGHTS_BACK)) {
    const standing = await readClaim(store, key);
    if (!standing) continue;
    const { runId } = standing.claim;
    const known = remembered.get(store);
    if (known?.runId === runId) return known.manifest;
    const manifest = await readStored(store, runId);
    if (!(await isFinished(store, runId, manifest))) continue;
    remembered.set(store, { runId, manifest });
    return manifest;
  }
  return undefined;
}
