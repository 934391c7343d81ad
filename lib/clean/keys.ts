import type { Config, Source } from '../config/index.ts';
import { contentId, dropId } from '../data/index.ts';

/**
 * Version of what clean writes. Raise it whenever equal drops would give other rows: every drop is then cleaned again
 * under a new revision. Until that is done, nights go by the rows of the version before, which must stay readable.
 */
const DATA_VERSION = 3;

const DROP_PREFIX = 'drop/';

export interface NamedSource {
  readonly name: string;
  readonly source: Source;
}

export interface CleanKeys {
  readonly dropId: string;
  /** 32 hex digits: 16 that name the mapping, 16 that name the bytes. */
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

/** Names of mappings, by source. */
export type Mappings = ReadonlyMap<string, string>;

/**
 * Name of how rows are made of a source's bytes: of whatever in the config decides about them (the source and its name, the
 * shop's time zone and currency) and of the version of this code. Not of the number of shards: files say how many batches
 * they have, and any number of readers reads them.
 */
export function mappingOf(config: Config, named: NamedSource | undefined): string {
  const settings = named && {
    name: named.name,
    source: named.source,
    timeZone: config.shop.timeZone,
    ...(config.shop.currency !== undefined && { currency: config.shop.currency }),
  };
  return contentId({ settings: settings ?? null, version: DATA_VERSION });
}

/**
 * The keys that cleaning these bytes under this key writes, computed without reading anything.
 * @param digest of the bytes
 * @param mappings by source, where others than those of now are asked about
 */
export function cleanKeys(config: Config, key: string, digest: string, mappings?: Mappings): CleanKeys {
  return keysOfBytes(config, key, contentId(digest), mappings);
}

/**
 * `cleanKeys` where the bytes are known by their part in a revision.
 * @param bytes the second half of a revision of this drop
 */
export function keysOfBytes(config: Config, key: string, bytes: string, mappings?: Mappings): CleanKeys {
  const named = sourceOf(config, key);
  const id = dropId(key);
  const mapping = (named && mappings?.get(named.name)) ?? mappingOf(config, named);
  const revision = `${mapping}${bytes}`;
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
