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
import { assemble, assembleQuarantine } from './assemble.ts';
import { type EngineOptions, refusalOr, type Sql, withConnection } from './engine.ts';
import { Refusal } from './errors.ts';
import { type Intake, type TextFormat, takeIn } from './intake.ts';
import { judge } from './judge.ts';
import { type CleanKeys, cleanKeys, type NamedSource } from './keys.ts';
import { planFor } from './plan.ts';
import type { CleanedQuality, Quality } from './quality.ts';
import { readRecords } from './read.ts';

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

const HOUR_MS = 3_600_000;

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

type Told = Pick<Quality, 'dropId' | 'key' | 'revision' | 'etag' | 'source' | 'table' | 'sha256' | 'bytes'>;

async function cleanObject(
  input: CleanDropInput,
  object: StoredObject,
  keys: CleanKeys,
  path: string,
): Promise<Quality> {
  const { named } = keys;
  let told: Told = {
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
    told = { ...told, sha256: intake.sha256, bytes: intake.bytes };
    const latest = latestTime(object.info.lastModified, named.source);
    return await withConnection(engineFor(intake, input.engine ?? {}), (sql) =>
      cleanTaken(sql, input, { named, keys, intake, latest, told }),
    );
  } catch (error) {
    const fault = refusalOr(error, 'DuckDB could not clean it', 'try it with "nightjar check"');
    if (!(fault instanceof Refusal)) throw error;
    return { ...told, status: 'refused', refused: { reason: fault.reason, hint: fault.hint } };
  }
}

interface Taken {
  readonly named: NamedSource;
  readonly keys: CleanKeys;
  readonly intake: Intake;
  readonly latest: number;
  readonly told: Told;
}

async function cleanTaken(sql: Sql, input: CleanDropInput, taken: Taken): Promise<CleanedQuality> {
  const { store, config, pseudonyms } = input;
  const { named, keys, intake, latest } = taken;
  await setTimeZone(sql, named.source.timeZone ?? config.shop.timeZone);
  const records = await readRecords(sql, intake, named.source);
  const counts = { clean: 0, rowsIn: 0, quarantinedRows: 0, quarantined: {}, flagged: {}, users: 0 };
  const policy = named.source.duplicates;
  const none = { ...counts, minDay: null, maxDay: null, duplicates: { found: 0, policy, dropped: 0 } };
  // A file without columns has nothing to bind a mapping to, and no rows to lose.
  if (records.columns.length === 0) return { ...taken.told, status: 'clean', ...none };
  const plan = await planFor(sql, named, records, config.shop.timeZone);
  const judged = await judge(sql, records, plan, named.source, latest);
  const assembled = await assemble(sql, plan, judged, config.shards, pseudonyms);
  const accounted = judged.clean + judged.duplicatesDropped + judged.quarantinedRows;
  if (accounted !== judged.rowsIn || (intake.records !== undefined && intake.records !== judged.rowsIn)) {
    throw new Refusal(
      `${judged.rowsIn} records came in and ${accounted} are accounted for`,
      'this is a fault of Nightjar, not of the file: report it; nothing of the file was used',
    );
  }
  const rejected =
    judged.quarantinedRows > 0 ? await assembleQuarantine(sql, plan, judged.quarantinedRows) : undefined;
  await Promise.all([
    // Without clean rows there is no clean object, no day rows and nothing that a run could read.
    judged.clean > 0 && keys.clean && store.put(keys.clean, assembled.arrow, { ifAbsent: true }),
    keys.quarantine && rejected && store.put(keys.quarantine, rejected, { ifAbsent: true }),
  ]);
  return {
    ...taken.told,
    status: 'clean',
    rowsIn: judged.rowsIn,
    clean: judged.clean,
    duplicates: { found: judged.duplicatesFound, policy, dropped: judged.duplicatesDropped },
    quarantinedRows: judged.quarantinedRows,
    quarantined: { ...judged.quarantined },
    flagged: { ...assembled.flagged },
    minDay: assembled.minDay,
    maxDay: assembled.maxDay,
    users: assembled.users,
  };
}

/** Below this a second thread costs more than it helps. */
const SMALL = 8 << 20;

function engineFor(intake: Intake, options: EngineOptions): EngineOptions {
  return intake.unpacked < SMALL ? { ...options, threads: 1 } : options;
}

/** The latest time (ms) that an event in a drop of this age can have: never judged by the wall clock. */
export function latestTime(dropped: Date, source: Source): number {
  return dropped.getTime() + source.toleranceHours * HOUR_MS;
}

/** DuckDB reads naive text times in the session's zone. */
export async function setTimeZone(sql: Sql, zone: string): Promise<void> {
  await sql.run(`SET TimeZone = '${zone.replaceAll("'", "''")}'`);
}

/** How the counter and the reader see a source's files; undefined for binary formats. */
export function textFormat(source: Source): TextFormat | undefined {
  if (source.format === 'parquet') return undefined;
  if (source.format === 'jsonl') return { delimiter: '\n', quote: '', columns: undefined, header: false };
  const { delimiter, quote, columns } = source.csv;
  return { delimiter, quote, columns, header: columns === undefined };
}
