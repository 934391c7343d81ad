import { type Mappings, mappingOf, prefixOf, sourceOf } from '../../clean/index.ts';
import type { Config } from '../../config/index.ts';
import { contentId } from '../../data/index.ts';
import { daysSpec } from '../../features/index.ts';

/** Raised when segments of the same name would hold something else. */
const INDEX_VERSION = 1;

/**
 * Names what decides how far a drop of a source is: how its rows are made, which day rows count, and which keys are the
 * source's. What is known of a drop holds as long as its scope is the same; another source's settings change nothing.
 */
export interface Scopes {
  readonly all: ReadonlySet<string>;
  /** Of all together. */
  readonly name: string;
  /** The scope of a key, and its source, if any. */
  of(key: string): { readonly scope: string; readonly source: string | undefined };
}

/** @param mappings by source, where others than those of now are asked about */
export function scopesOf(config: Config, mappings?: Mappings): Scopes {
  const sources = Object.entries(config.sources);
  const prefixes = sources.map(([name, source]) => prefixOf(name, source)).sort();
  const scopes = new Map(
    sources.map(([name, source]) => {
      const prefix = prefixOf(name, source);
      // The keys of a longer prefix within its own are another source's.
      const others = prefixes.filter((other) => other !== prefix && other.startsWith(prefix));
      const mapping = mappings?.get(name) ?? mappingOf(config, { name, source });
      return [name, contentId({ version: INDEX_VERSION, name, prefix, others, mapping, days: daysSpec() })];
    }),
  );
  const none = contentId({ version: INDEX_VERSION, prefixes });
  const all = new Set([none, ...scopes.values()]);
  return {
    all,
    name: contentId([...all].sort()),
    of(key) {
      const source = sourceOf(config, key)?.name;
      return { scope: (source !== undefined && scopes.get(source)) || none, source };
    },
  };
}
