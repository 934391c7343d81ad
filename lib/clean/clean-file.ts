import type { Config, Source } from '../config/index.ts';
import type { Pseudonyms } from '../data/index.ts';
import { type Assembled, assemble } from './assemble.ts';
import { type Sql, timeReadingText } from './duckdb/index.ts';
import type { Intake, TextFormat } from './intake/index.ts';
import { type Judgement, judge } from './judge.ts';
import { type NamedSource, prefixOf } from './keys.ts';
import { planFor, readingOf, shapeRows, type TablePlan } from './mapping/index.ts';
import { assembleQuarantine } from './quarantine.ts';
import { keyFacts, type Records, readRecords } from './read/index.ts';
import { loadSubjects } from './subjects.ts';
import { assembleWithdrawn, type Withdrawn } from './withdrawn.ts';

/** A taken-in drop, and all that decides what becomes of its rows. */
export interface CleanFileInput {
  readonly intake: Intake;
  readonly named: NamedSource;
  readonly config: Config;
  readonly pseudonyms: Pseudonyms;
  /** Of the dropped object. */
  readonly key: string;
  /** When it was dropped: its events can be this late, and the source's tolerance. */
  readonly droppedAt: Date;
}

/** What cleaning makes of a drop, before anything is stored. The temp tables of `sql` still hold its rows. */
export interface CleanFile {
  readonly records: Records;
  readonly plan: TablePlan;
  readonly judged: Judgement;
  readonly assembled: Assembled;
  readonly withdrawn?: Withdrawn;
  readonly quarantine?: Uint8Array;
  /** What of the drop's key stands in its rows. */
  readonly keyValues: Readonly<Record<string, string | null>>;
}

const HOUR_MS = 3_600_000;

/**
 * The whole way of a drop's rows, from bytes on disk to Arrow files in memory. `cleanDrop` stores what comes of it,
 * `previewDrop` shows it.
 * @returns undefined for a file without columns: nothing to bind a mapping to, and no rows to lose
 * @throws Refusal when nothing of the file can be used
 */
export async function cleanFile(sql: Sql, input: CleanFileInput): Promise<CleanFile | undefined> {
  const { intake, named, config, pseudonyms, key, droppedAt } = input;
  const { name, source } = named;
  const reading = readingOf(source, config.shop);
  await setTimeZone(sql, reading.time.zone);
  const facts = keyFacts(key, prefixOf(name, source));
  const read = await readRecords(sql, intake, source, facts);
  if (read.columns.length === 0) return undefined;
  const records = await shapeRows(sql, read, source, timeReadingText(reading.time));
  const plan = await planFor(sql, name, source, records, config.shop);
  const latest = droppedAt.getTime() + source.toleranceHours * HOUR_MS;
  const judged = await judge(sql, records, plan, source, latest);
  const subjects = await loadSubjects(sql, plan, pseudonyms);
  const assembled = await assemble(sql, plan, judged, config.shards, subjects, pseudonyms);
  const withdrawn = await assembleWithdrawn(sql, plan, subjects);
  const rejected = judged.quarantinedRows;
  const known: Record<string, string | null> = { ...Object.fromEntries(facts.partitions) };
  known.file_name ??= facts.fileName;
  known.key ??= key;
  return {
    records,
    plan,
    judged,
    assembled,
    ...(withdrawn && { withdrawn }),
    ...(rejected > 0 && { quarantine: await assembleQuarantine(sql, records, plan, source, rejected) }),
    keyValues: Object.fromEntries(plan.fromKey.map((one) => [one, known[one] ?? null])),
  };
}

/** Below this a second thread costs more than it helps. */
const SMALL = 8 << 20;

export function threadsFor<T extends { readonly threads?: number }>(intake: Intake, options: T): T {
  return intake.unpacked < SMALL ? { ...options, threads: 1 } : options;
}

/** What DuckDB computes from instants by itself, it computes in the session's zone. */
async function setTimeZone(sql: Sql, zone: string): Promise<void> {
  await sql.run(`SET TimeZone = '${zone.replaceAll("'", "''")}'`);
}

/** How the counter and the reader see a source's files; undefined for binary formats. */
export function textFormat(source: Source): TextFormat | undefined {
  if (source.format === 'parquet') return undefined;
  const { encoding } = source;
  if (source.format === 'jsonl') {
    return { delimiter: '\n', quote: '', columns: undefined, header: false, encoding };
  }
  const { csv } = source;
  return { ...csv, columns: csv.columns, header: csv.columns === undefined, encoding };
}
