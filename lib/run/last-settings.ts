import { mappingOf, prefixOf, sourceOf } from '../clean/index.ts';
import { type Config, parseConfig } from '../config/index.ts';
import { ConfigError } from '../data/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { nightsBefore, readClaim } from './claims.ts';
import { shareText, shortSources } from './history.ts';
import { type DropState, dropStates, type Listed } from './inputs.ts';
import { type Missing, type RunManifest, readManifest } from './manifest.ts';
import { isFinished } from './stages.ts';

/** What a night reads by the settings of the one before it. */
export interface LastSettings {
  readonly config: Config;
  readonly drops: DropState[];
  /** Which sources' changed settings are not used yet, and why. */
  readonly unused: Missing[];
}

/**
 * When the mapping of a source changes, or the version of cleaning, every drop of its history is to be cleaned again. Until
 * enough of it is, a night goes by the settings of the last one as a whole, and by what was cleaned by them: they belong
 * to the models that serve. Within a night all drops of a source are of one mapping, for rows of two would tell the same
 * events in two forms. So a drop that only the new mapping has read is left out, by name.
 *
 * Of the drops that the last settings have rows of, and that are drops still, the settings of now must have rows of the
 * share `nightly.minHistory` in each source. A drop they refuse, or find no row in, is one that they do not have: a mapping
 * that reads nothing must not end the nights.
 * @param drops by the settings of now
 * @returns undefined where the settings of now are to be used
 */
export async function lastSettings(
  listed: Listed,
  config: Config,
  drops: readonly DropState[],
  last: RunManifest,
): Promise<LastSettings | undefined> {
  const mappings = mappingsOf(last);
  const changed = [...mappings].some(([name, mapping]) => {
    const source = config.sources[name];
    return !source || mappingOf(config, { name, source }) !== mapping;
  });
  const before = changed ? settingsOf(last) : undefined;
  if (!before) return undefined;
  const why = `not by the settings of the night of ${last.asOf}, which are used until the history is cleaned by new ones`;
  const earlier = await dropStates(listed, before, { mappings, why });
  const now = new Map(drops.map((drop) => [drop.key, drop]));
  const had = earlier.flatMap((drop) => {
    const source = sourceOf(before, drop.key);
    // Of what no source takes any more, nothing is to be had.
    if (!source || !hasRows(drop) || !sourceOf(config, drop.key)) return [];
    return [{ source, size: drop.size, through: hasRows(now.get(drop.key)) }];
  });
  const unused = shortSources(config, had).map((short): Missing => {
    const { name, source } = short.source;
    return {
      kind: 'settings',
      key: prefixOf(name, source),
      why: `the changed settings are not used yet, those of the night of ${last.asOf} are: by the changed ones ${shareText(short, config)}`,
    };
  });
  return unused.length > 0 ? { config: before, drops: earlier, unused } : undefined;
}

/** Is there anything in the drop that a run reads? */
export function hasRows(drop: DropState | undefined): boolean {
  return drop?.state === 'done' && (drop.clean !== undefined || drop.quality.withdrawn > 0);
}

/** By which mapping a run read each of its sources: the first half of the revisions of its inputs. */
function mappingsOf({ inputs }: RunManifest): Map<string, string> {
  const all = [...Object.values(inputs).flat()];
  return new Map(all.map(({ source, revision }) => [source, revision.slice(0, revision.length / 2)]));
}

/** Settings that an earlier version of the code wrote, as this one reads them; undefined where it cannot. */
function settingsOf({ config }: RunManifest): Config | undefined {
  try {
    return parseConfig(config);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/** The manifest of the last finished night, by store: what it says never changes. */
const remembered = new WeakMap<ObjectStore, { readonly runId: string; readonly manifest: RunManifest }>();
/** Nights that failed are passed over, of the last week. */
const NIGHTS_BACK = 7;

/** The last night before a day that was finished, as far as a week back. */
export async function lastNight(store: ObjectStore, asOf: string): Promise<RunManifest | undefined> {
  for (const key of (await nightsBefore(store, asOf)).slice(0, NIGHTS_BACK)) {
    const standing = await readClaim(store, key);
    if (!standing) continue;
    const { runId } = standing.claim;
    const known = remembered.get(store);
    if (known?.runId === runId) return known.manifest;
    const manifest = await readManifest(store, runId);
    if (!(await isFinished(store, runId, manifest))) continue;
    remembered.set(store, { runId, manifest });
    return manifest;
  }
  return undefined;
}
