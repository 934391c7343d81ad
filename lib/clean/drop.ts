import { join } from 'node:path';
import type { Config, Source } from '../config/index.ts';
import type { Pseudonyms } from '../data/index.ts';
import {
  ObjectNotFound,
  type ObjectStore,
  type StoredObject,
  whyNoKey,
  withScratch,
} from '../runtime/index.ts';
import { type CleanFile, cleanFile, textFormat, threadsFor } from './clean-file.ts';
import { type EngineOptions, refusalOr, withConnection } from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import { firstDropped } from './first-dropped.ts';
import { takeIn } from './intake/index.ts';
import { type CleanKeys, cleanKeys, type NamedSource } from './keys.ts';
import type { CleanedQuality, Quality } from './quality.ts';

export interface CleanDropInput {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly pseudonyms: Pseudonyms;
  /** Of the dropped object, below `drop/`. */
  readonly key: string;
  readonly engine?: EngineOptions;
}

/**
 * What `cleanDrop` did. `done`: this version of the drop had been cleaned or refused before, nothing was changed. `gone`:
 * no object stands under the key any more. `unusable`: the key is none that every store can hold, so nothing can be read.
 */
export type CleanResult =
  | { readonly status: 'clean' | 'refused'; readonly keys: CleanKeys; readonly quality: Quality }
  | { readonly status: 'done'; readonly keys: CleanKeys }
  | { readonly status: 'gone' }
  | { readonly status: 'unusable'; readonly reason: string };

/**
 * Cleans one drop: canonical rows, quarantined rows, and last the quality record whose presence says that all is done.
 * Each object is put only where nothing stands, so a repeated or interrupted call ends with the same objects.
 * What is wrong with the data or its mapping becomes a refusal in the quality record; only faults of the store or the
 * machine are thrown.
 */
export async function cleanDrop(input: CleanDropInput): Promise<CleanResult> {
  const { store, config, key } = input;
  const reason = whyNoKey(key);
  if (reason !== undefined) return { status: 'unusable', reason };
  const before = await store.head(key);
  if (!before) return { status: 'gone' };
  const expected = cleanKeys(config, key, before.etag);
  if (await store.head(expected.quality)) return { status: 'done', keys: expected };
  let object: StoredObject;
  try {
    object = await store.get(key);
  } catch (error) {
    if (error instanceof ObjectNotFound) return { status: 'gone' };
    throw error;
  }
  const keys = cleanKeys(config, key, object.info.etag);
  return withScratch('clean', async (folder) => {
    const quality = await cleanObject(input, object, keys, join(folder, 'drop'));
    await store.put(keys.quality, `${JSON.stringify(quality, null, 2)}\n`, { ifAbsent: true });
    return { status: quality.status, keys, quality };
  });
}

type Known = Pick<Quality, 'dropId' | 'key' | 'revision' | 'etag' | 'source' | 'table' | 'sha256' | 'bytes'>;

async function cleanObject(
  input: CleanDropInput,
  object: StoredObject,
  keys: CleanKeys,
  path: string,
): Promise<Quality> {
  const { named } = keys;
  let known: Known = {
    dropId: keys.dropId,
    key: input.key,
    revision: keys.revision,
    etag: object.info.etag,
    source: named?.name ?? null,
    table: named?.source.table ?? null,
    sha256: null,
    bytes: null,
  };
  try {
    if (!named) {
      throw new Refusal(
        'no source takes this key',
        `the prefixes of the sources are in the config: give one that fits, or move the file`,
      );
    }
    const intake = await takeIn(object.body, path, textFormat(named.source));
    known = { ...known, sha256: intake.sha256, bytes: intake.bytes };
    return await withConnection(threadsFor(intake, input.engine ?? {}), async (sql) => {
      const { config, pseudonyms, key } = input;
      const { lastModified } = object.info;
      const file = await cleanFile(sql, { intake, named, config, pseudonyms, key, droppedAt: lastModified });
      if (file) await store(input.store, keys, file);
      const droppedAt = hasVersions(named.source)
        ? await firstDropped(input.store, keys, intake.sha256, lastModified)
        : lastModified.getTime();
      return { ...known, status: 'clean' as const, droppedAt, ...countsOf(file, named) };
    });
  } catch (error) {
    const fault = refusalOr(error, 'DuckDB could not clean it', 'try it with "nightjar check"');
    if (!(fault instanceof Refusal)) throw error;
    return { ...known, status: 'refused', refused: { reason: fault.reason, hint: fault.hint } };
  }
}

/** A drop of which no row is clean has no clean object: its quality record says that it is done. */
async function store(target: ObjectStore, keys: CleanKeys, file: CleanFile): Promise<void> {
  const { assembled, judged, quarantine, withdrawn } = file;
  // Whoever reads the clean rows looks for what they withdraw besides.
  if (withdrawn && keys.withdrawn) await target.put(keys.withdrawn, withdrawn.arrow, { ifAbsent: true });
  await Promise.all([
    judged.clean > 0 && keys.clean && target.put(keys.clean, assembled.arrow, { ifAbsent: true }),
    quarantine && keys.quarantine && target.put(keys.quarantine, quarantine, { ifAbsent: true }),
  ]);
}

/** Do later drops tell of the same events again? */
const hasVersions = ({ table, key = [] }: Source): boolean => table === 'events' && key.length > 0;

type Counts = Omit<CleanedQuality, keyof Known | 'status' | 'droppedAt'>;

function countsOf(file: CleanFile | undefined, { source }: NamedSource): Counts {
  const { judged, assembled, plan } = file ?? {};
  return {
    rowsIn: judged?.rowsIn ?? 0,
    clean: judged?.clean ?? 0,
    duplicates: {
      found: judged?.duplicatesFound ?? 0,
      policy: source.duplicates,
      dropped: judged?.duplicatesDropped ?? 0,
    },
    quarantinedRows: judged?.quarantinedRows ?? 0,
    quarantined: { ...judged?.quarantined },
    leftOut: { ...judged?.leftOut },
    withdrawn: file?.withdrawn?.rows ?? 0,
    flagged: { ...assembled?.flagged },
    absent: [...(plan?.absent ?? [])],
    keyValues: { ...file?.keyValues },
    minDay: assembled?.minDay ?? null,
    maxDay: assembled?.maxDay ?? null,
    users: assembled?.users ?? 0,
  };
}
