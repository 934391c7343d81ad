import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Config } from '../config/index.ts';
import {
  DataError,
  decodeArrow,
  EVENT_TYPES,
  formatDay,
  minorDigits,
  type Pseudonyms,
} from '../data/index.ts';
import { explain, explainedAt, scratchPrefix, temporaryPlace } from '../runtime/index.ts';
import { type CleanFile, cleanFile, textFormat, threadsFor } from './clean-file.ts';
import { type EngineOptions, refusalOr, type Sql, withConnection } from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import { takeInFile } from './intake/index.ts';
import { kindOf } from './judge.ts';
import { type NamedSource, prefixOf } from './keys.ts';
import { localTime } from './local-time.ts';
import { readingOf } from './mapping/index.ts';

type Value = string | number | boolean | null;

/** How a config reads a file, without writing anything. */
export type Preview =
  | {
      readonly status: 'read';
      /** Columns that expressions may use. */
      readonly columns: readonly string[];
      /** Of these, columns that the config lets files lack and this one lacks. */
      readonly absent: readonly string[];
      readonly rowsIn: number;
      readonly clean: number;
      readonly duplicates: number;
      /** Rows by reason. */
      readonly quarantined: Readonly<Record<string, number>>;
      /** Rows by the condition of `where` that they do not meet. */
      readonly leftOut: Readonly<Record<string, number>>;
      /** Texts that stand for no value in ids, times and numbers. */
      readonly missing: readonly string[];
      /** The first and the last shop day of clean events. */
      readonly days?: { readonly first: string; readonly last: string };
      /** The first clean rows of the file, with the user's own id; money in major units, times in the shop's zone, days as dates. */
      readonly rows: readonly Readonly<Record<string, Value>>[];
      /** The first quarantined rows. */
      readonly errors: readonly { readonly row: number; readonly column: string; readonly reason: string }[];
      /** Of each reason that quarantines rows some of the values that it is about. */
      readonly examples: Readonly<Record<string, readonly string[]>>;
    }
  | { readonly status: 'refused'; readonly reason: string; readonly hint: string };

export interface PreviewInput {
  /** On disk; its modification time stands for the drop's. */
  readonly file: string;
  /** Its key, were it dropped: partitions in it are columns. Default: the file's name below the source's prefix. */
  readonly key?: string;
  readonly named: NamedSource;
  readonly config: Config;
  /** Any key will do: the pseudonyms are opened again. */
  readonly pseudonyms: Pseudonyms;
  /** How many rows and errors to show. Default 10. */
  readonly show?: number;
  readonly engine?: EngineOptions;
}

/** Cleans a local file as `cleanDrop` would, down to the bytes of the clean file, and shows what stands in it. */
export async function previewDrop(input: PreviewInput): Promise<Preview> {
  const { file, named, config, pseudonyms, show = 10, engine = {} } = input;
  const { key = `${prefixOf(named.name, named.source)}${basename(file)}` } = input;
  const info = await stat(file);
  if (!info.isFile())
    throw new DataError(`${file} is ${info.isDirectory() ? 'a folder' : 'no file'}: give one file`);
  const { mtime } = info;
  const folder = await explainedAt(temporaryPlace(), mkdtemp(join(tmpdir(), scratchPrefix('check'))));
  try {
    const intake = await takeInFile(file, join(folder, 'drop'), textFormat(named.source));
    return await withConnection(threadsFor(intake, engine), async (sql): Promise<Preview> => {
      const clean = await cleanFile(sql, { intake, named, config, pseudonyms, key, droppedAt: mtime });
      const none = {
        columns: [],
        absent: [],
        rowsIn: 0,
        clean: 0,
        duplicates: 0,
        quarantined: {},
        leftOut: {},
      };
      const { missing } = readingOf(named.source, config.shop);
      if (!clean) return { status: 'read', ...none, missing, rows: [], errors: [], examples: {} };
      const { records, plan, judged } = clean;
      const days =
        named.source.table === 'events' || named.source.table === 'unlabelled'
          ? await daysOf(sql, judged.clean)
          : undefined;
      return {
        status: 'read',
        columns: records.columns.map(({ name }) => name),
        absent: plan.absent,
        rowsIn: judged.rowsIn,
        clean: judged.clean,
        duplicates: judged.duplicatesFound,
        quarantined: judged.quarantined,
        leftOut: judged.leftOut,
        missing,
        ...(days && { days }),
        rows: await firstRows(sql, clean, input, show),
        errors: await firstErrors(clean, show),
        examples: await examplesOf(sql, clean),
      };
    });
  } catch (error) {
    const fault = refusalOr(error, 'DuckDB could not map it', 'change the expression in the config');
    if (!(fault instanceof Refusal)) throw explain(error, temporaryPlace()) ?? error;
    return { status: 'refused', reason: fault.reason, hint: fault.hint };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first rows of the file, read from the clean file: what is shown is what a run will read. */
async function firstRows(
  sql: Sql,
  { assembled, judged }: CleanFile,
  { config, pseudonyms, named }: PreviewInput,
  show: number,
): Promise<Record<string, Value>[]> {
  if (judged.clean === 0) return [];
  const places = await sql.rows(`SELECT rowid FROM sorted ORDER BY n, e LIMIT ${show}`);
  const wanted = places.map(([place]) => Number(place));
  const { timeZone, currency } = config.shop;
  const digits = minorDigits(currency);
  const { table } = named.source;
  const shown = new Map<number, Record<string, Value>>();
  let start = 0;
  for (const batch of decodeArrow(await whole(assembled.arrow)).batches) {
    for (const place of wanted) {
      const row = place - start;
      if (row < 0 || row >= batch.numRows) continue;
      const cells: Record<string, Value> = {};
      for (const [column, { name }] of batch.schema.fields.entries()) {
        if (name === 'hash' || (name === 'id' && table === 'events') || name === 'flags') continue;
        const value: unknown = batch.getChildAt(column)?.get(row) ?? null;
        if (value === null) cells[name] = null;
        else if (name === 'user' || (name === 'anonymous' && table === 'identities'))
          cells[name] = pseudonyms.open(String(value));
        else if (name === 'time' || name === 'valid_from') cells[name] = localTime(Number(value), timeZone);
        else if (name === 'type') cells.type = EVENT_TYPES[Number(value)] ?? null;
        else if (name === 'day') cells.day = formatDay(Number(value));
        else if (name === 'price' || name === 'amount') cells[name] = Number(value) / 10 ** digits;
        else
          cells[name] =
            typeof value === 'bigint' || typeof value === 'number' ? Number(value) : String(value);
      }
      shown.set(place, cells);
    }
    start += batch.numRows;
  }
  return wanted.flatMap((place) => [shown.get(place) ?? {}]);
}

async function daysOf(sql: Sql, clean: number) {
  if (clean === 0) return undefined;
  const [[first, last] = []] = await sql.rows('SELECT min(o_day), max(o_day) FROM mapped WHERE bad = 0');
  return { first: formatDay(Number(first)), last: formatDay(Number(last)) };
}

/** Enough to tell how the others are written. */
const EXAMPLES = 100;

async function examplesOf(sql: Sql, { plan }: CleanFile): Promise<Record<string, string[]>> {
  const rows = await sql.rows(`SELECT bad, about FROM mapped WHERE about IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY bad ORDER BY n, e) <= ${EXAMPLES} ORDER BY n, e`);
  const examples: Record<string, string[]> = {};
  for (const [bad, about] of rows) {
    const kind = kindOf(plan, Number(bad));
    if (kind !== undefined) (examples[kind] ??= []).push(String(about));
  }
  return examples;
}

async function firstErrors({ quarantine }: CleanFile, show: number) {
  if (!quarantine) return [];
  const [batch] = decodeArrow(quarantine).batches;
  const text = (name: string, row: number) => String(batch?.getChild(name)?.get(row) ?? '');
  return Array.from({ length: Math.min(show, batch?.numRows ?? 0) }, (_, row) => ({
    row: Number(batch?.getChild('row')?.get(row)),
    column: text('column', row),
    reason: text('reason', row),
  }));
}

async function whole(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return bytes;
  const pieces: Uint8Array[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces);
}
