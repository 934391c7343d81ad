import type { Config, Source } from '../config/index.ts';
import { contentId, dropId } from '../data/index.ts';

/**
 * Version of what clean writes. Raise it whenever equal drops would give other rows: every drop is then cleaned again
 * under a new revision.
 */
const DATA_VERSION = 3;

const DROP_PREFIX = 'drop/';

export interface NamedSource {
  readonly name: string;
  readonly source: Source;
}

export interface CleanKeys {
  readonly dropId: string;
  readonly revision: string;
  /** Absent when no source takes the key: the drop is refused. */
  readonly named?: NamedSource;
  /** Written last: its presence means that the drop is done or refused. */
  readonly quality: string;
  readonly clean?: string;
  readonly quarantine?: string;
  /** Events that rows take back which are left out. */
  readonly withdrawn?: string;
}

/** The source whose prefix fits the key best (the longest one), or undefined. */
export function sourceOf(config: Config, key: string): NamedSource | undefined {
  let best: (NamedSource & { length: number }) | undefined;
  for (const [name, source] of Object.entries(config.sources)) {
    const prefix = prefixOf(name, source);
    if (key.startsWith(prefix) && prefix.length > (best?.length ?? -1)) {
      best = { name, source, length: prefix.length };
    }
  }
  return best && { name: best.name, source: best.source };
}

/** Where the drops of a source land, with `drop/` in front. */
export function prefixOf(name: string, source: Source): string {
  const prefix = source.prefix ?? `${name}/`;
  return prefix.startsWith(DROP_PREFIX) ? prefix : `${DROP_PREFIX}${prefix.replace(/^\/+/, '')}`;
}

/**
 * Revision of a drop: changes with the object's etag, with whatever in the config decides about its rows (the source and
 * its name, the shop's time zone and currency) and with the version of this code. Not with the number of shards: files say how many
 * batches they have, and any number of readers reads them.
 */
function revisionOf(etag: string, config: Config, named: NamedSource | undefined): string {
  const settings = named && {
    name: named.name,
    source: named.source,
    timeZone: config.shop.timeZone,
    ...(config.shop.currency !== undefined && { currency: config.shop.currency }),
  };
  return contentId({ etag, settings: settings ?? null, version: DATA_VERSION });
}

/** The keys that cleaning this version of the drop writes, computed without reading anything. */
export function cleanKeys(config: Config, key: string, etag: string): CleanKeys {
  const named = sourceOf(config, key);
  const id = dropId(key);
  const revision = revisionOf(etag, config, named);
  const quality = `quality/${id}/${revision}.json`;
  if (!named) return { dropId: id, revision, quality };
  const { table } = named.source;
  return {
    dropId: id,
    revision,
    named,
    quality,
    clean: `clean/${table}/${id}/${revision}.arrow`,
    quarantine: `quarantine/${table}/${id}/${revision}.arrow`,
    withdrawn: `clean/withdrawn/${id}/${revision}.arrow`,
  };
}
