import { join } from 'node:path';
import type { Config, Source } from '../config/index.ts';
import { digestOf, type Pseudonyms } from '../data/index.ts';
import {
  type ObjectInfo,
  ObjectNotFound,
  type ObjectStore,
  type StoredObject,
  whyNoKey,
  withScratch,
} from '../runtime/index.ts';
import { type CleanFile, cleanFile, textFormat, threadsFor } from './clean-file.ts';
import { findKeys, recordDigest } from './digests.ts';
import { type EngineOptions, refusalOr, withConnection } from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import { firstDropped } from './first-dropped.ts';
import { HashedBytes, type Intake, takeIn } from './intake/index.ts';
import { type CleanKeys, cleanKeys, type NamedSource, sourceOf } from './keys.ts';
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
  const info = await store.head(key);
  if (!info) return { status: 'gone' };
  if (info.digest !== undefined) await recordDigest(store, info, info.digest);
  const expected = await findKeys(store, config, info);
  if (expected && (await store.head(expected.quality))) return { status: 'done', keys: expected };
  const named = sourceOf(config, key);
  if (!named) {
    const keys = cleanKeys(config, key, info.digest ?? info.etag);
    return recorded(store, keys, refusedAs(unread(info, keys), NO_SOURCE));
  }
  try {
    const object = await store.get(key);
    return await withScratch('clean', (folder) => cleanObject(input, named, object, join(folder, 'drop')));
  } catch (error) {
    if (error instanceof ObjectNotFound && error.key === key) return { status: 'gone' };
    throw error;
  }
}

const NO_SOURCE = new Refusal(
  'no source takes this key',
  'the prefixes of the sources are in the config: give one that fits, or move the file',
);

/** What is known of a drop whose bytes were not read. */
function unread({ key, etag }: ObjectInfo, { dropId, revision, named }: CleanKeys): Known {
  return {
    dropId,
    key,
    revision,
    etag,
    source: named?.name ?? null,
    table: named?.source.table ?? null,
    sha256: null,
    bytes: null,
  };
}

type Known = Pick<Quality, 'dropId' | 'key' | 'revision' | 'etag' | 'source' | 'table' | 'sha256' | 'bytes'>;

function refusedAs(known: Known, { reason, hint }: Refusal): Quality {
  return { ...known, status: 'refused', refused: { reason, hint } };
}

async function recorded(store: ObjectStore, keys: CleanKeys, quality: Quality): Promise<CleanResult> {
  await store.put(keys.quality, `${JSON.stringify(quality, null, 2)}\n`, { ifAbsent: true });
  return { status: quality.status, keys, quality };
}

/** What a drop is called is known once its bytes are read: where these were cleaned before, nothing is left to be done. */
async function cleanObject(
  input: CleanDropInput,
  named: NamedSource,
  { body, info }: StoredObject,
  path: string,
): Promise<CleanResult> {
  const { store, config, key } = input;
  const bytes = new HashedBytes(body);
  try {
    const intake = await orRefusal(takeIn(bytes, path, textFormat(named.source)));
    const read = await bytes.finish();
    const digest = digestOf(read.sha256);
    const keys = cleanKeys(config, key, digest);
    await recordDigest(store, info, digest);
    // Whose digest was on record was looked for before.
    if (info.etag !== digest && (await store.head(keys.quality))) return { status: 'done', keys };
    const known = { ...unread(info, keys), ...read };
    const quality =
      intake instanceof Refusal
        ? intake
        : await orRefusal(cleanRows(input, named, intake, keys, known, info.lastModified));
    return await recorded(store, keys, quality instanceof Refusal ? refusedAs(known, quality) : quality);
  } finally {
    await bytes.close();
  }
}

/** What is made of the drop, or why it cannot be made: that is known of a drop, too. */
async function orRefusal<T>(work: Promise<T>): Promise<T | Refusal> {
  try {
    return await work;
  } catch (error) {
    const fault = refusalOr(error, 'DuckDB could not clean it', 'try it with "nightjar check"');
    if (fault instanceof Refusal) return fault;
    throw error;
  }
}

async function cleanRows(
  input: CleanDropInput,
  named: NamedSource,
  intake: Intake,
  keys: CleanKeys,
  known: Known & { readonly sha256: string },
  lastModified: Date,
): Promise<Quality> {
  const { config, pseudonyms, key } = input;
  return withConnection(threadsFor(intake, input.engine ?? {}), async (sql) => {
    const file = await cleanFile(sql, { intake, named, config, pseudonyms, key, droppedAt: lastModified });
    if (file) await store(input.store, keys, file);
    const droppedAt = hasVersions(named.source)
      ? await firstDropped(input.store, keys, known.sha256, lastModified)
      : lastModified.getTime();
    return { ...known, status: 'clean' as const, droppedAt, ...countsOf(file, named) };
  });
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
