import {
  type CleanKeys,
  type Digests,
  keysOf,
  keysOfBytes,
  listDigests,
  type Mappings,
  parseQuality,
} from '../../clean/index.ts';
import type { Config } from '../../config/index.ts';
import { daysKey, daysSpec } from '../../features/index.ts';
import { getText, type ObjectInfo, type ObjectStore } from '../../runtime/index.ts';
import { PAGE } from '../index-limits.ts';
import { type Earlier, type Lookups, type Settings, stateOf } from '../inputs.ts';
import { mapParallel } from '../parallel.ts';
import { infoOf, judgedRow, type Row } from './rows.ts';

/** Drops that are looked at at the same time. */
const AT_ONCE = 32;

/** What was found out about a drop, by each of the settings asked for. */
export interface Looked {
  readonly row: Row;
  readonly found: readonly Row[];
}

/** Looks at drops and counts the requests that it makes. */
export class Looker {
  requests = 0;
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Asks about each drop by itself: for its digest, its quality record and its day rows. */
  async oneByOne(rows: readonly Row[], settings: readonly Settings[]): Promise<Looked[]> {
    return mapParallel(rows, AT_ONCE, (row) => this.#judge(row, settings, this.#questions(row)));
  }

  /** Lists what the drops have led to whose dropIds begin so. */
  async slice(prefix: string, rows: readonly Row[], settings: readonly Settings[]): Promise<Looked[]> {
    const told = rows.every((row) => row.digest !== null || bytesOf(row) !== undefined);
    const digests = told ? new Map<string, string>() : await listDigests(this.#store, prefix);
    if (!told) this.#listed(digests.size);
    const records = await this.#keys(`quality/${prefix}`);
    const days = await this.#keys(`days/${daysSpec()}/${prefix}`);
    return mapParallel(rows, AT_ONCE, (row) =>
      this.#judge(row, settings, {
        keys: async (config, info, mappings) => keysOfRow(row, config, info, digests, mappings),
        quality: async (key) => (records.has(key) ? this.#quality(key) : undefined),
        hasDays: async (key) => days.has(key),
      }),
    );
  }

  async #judge(row: Row, settings: readonly Settings[], lookups: Lookups): Promise<Looked> {
    if (row.other) return { row, found: settings.map(() => row) };
    const found: Row[] = [];
    for (const { config, earlier } of settings)
      found.push(await this.#judgeBy(row, config, earlier, lookups));
    return { row, found };
  }

  async #judgeBy(row: Row, config: Config, earlier: Earlier | undefined, lookups: Lookups): Promise<Row> {
    const info = infoOf(row);
    // What its record says was read before: the day rows alone were missing.
    if (row.state === 'pending' && row.content !== null) {
      const keys = await lookups.keys(config, info, earlier?.mappings);
      if (keys?.clean !== undefined && keys.revision === row.revision && keys.named?.name === row.source) {
        return (await lookups.hasDays(daysKey(config, keys.clean))) ? { ...row, state: 'done' } : row;
      }
    }
    return judgedRow(row, await stateOf(lookups, config, info, earlier));
  }

  #questions(row: Row): Lookups {
    let digests: Promise<Digests> | undefined;
    return {
      keys: async (config, info, mappings) => {
        if (info.digest !== undefined || bytesOf(row) !== undefined) {
          return keysOfRow(row, config, info, new Map(), mappings);
        }
        if (!digests) {
          this.requests++;
          digests = listDigests(this.#store, info);
        }
        return keysOf(config, info, await digests, mappings);
      },
      quality: (key) => this.#quality(key),
      hasDays: async (key) => {
        this.requests++;
        // Listed, since whoever may know that it is there may not read it.
        for await (const info of this.#store.list(key)) if (info.key === key) return true;
        return false;
      },
    };
  }

  async #quality(key: string) {
    this.requests++;
    const text = await getText(this.#store, key);
    return text === undefined ? undefined : parseQuality(text, key);
  }

  async #keys(prefix: string): Promise<Set<string>> {
    const keys = new Set<string>();
    for await (const { key } of this.#store.list(prefix)) keys.add(key);
    this.#listed(keys.size);
    return keys;
  }

  #listed(objects: number): void {
    this.requests += Math.floor(objects / PAGE) + 1;
  }
}

/** The part of a revision that names the bytes, where a record of the row's own bytes was read. */
function bytesOf({ source, revision }: Row): string | undefined {
  return source === null || revision === null ? undefined : revision.slice(revision.length / 2);
}

function keysOfRow(
  row: Row,
  config: Config,
  info: ObjectInfo,
  digests: Digests,
  mappings: Mappings | undefined,
): CleanKeys | undefined {
  const bytes = bytesOf(row);
  return bytes === undefined
    ? keysOf(config, info, digests, mappings)
    : keysOfBytes(config, row.key, bytes, mappings);
}
