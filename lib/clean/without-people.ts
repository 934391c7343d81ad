import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Config, Source } from '../config/index.ts';
import { holdsAny, type Pseudonyms } from '../data/index.ts';
import { type StoredObject, withScratch } from '../runtime/index.ts';
import { type CleanFile, cleanFile, textFormat, threadsFor } from './clean-file.ts';
import { quoteIdentifier, quoteText, type Sql, withConnection } from './duckdb/index.ts';
import { Refusal } from './errors.ts';
import { forEachRecord, HashedBytes, type Intake, packingOf, takeIn, unpacked } from './intake/index.ts';
import type { NamedSource } from './keys.ts';
import type { TablePlan } from './mapping/index.ts';

/** A drop as it is without the records of some people. */
export interface WithoutPeople {
  /** Records that are left out. */
  readonly records: number;
  /** Records that hold rows of others, too: they are left as they are. */
  readonly shared: number;
  /** The records that are left out, as text. */
  texts(): Promise<string[]>;
  /** A file of what is left, packed as the drop was where it was packed with gzip; absent where nothing is left out. */
  readonly path?: string;
}

export interface PeopleInput {
  readonly config: Config;
  readonly named: NamedSource;
  readonly pseudonyms: Pseudonyms;
  readonly object: StoredObject;
  /** When it was dropped first. */
  readonly droppedAt: Date;
  /** Ids as the mapping gives them. */
  readonly ids: readonly string[];
}

/**
 * Finds the records of people in a drop, by the very mapping that cleans it, and writes the drop without them. Other records keep
 * their bytes, their order, and the line ends that cleaning reads; the text becomes UTF-8. Lines that could not be read are left
 * out where they hold an id as a word.
 * @param work gets what was found; the file is gone when it ends
 * @throws Refusal where the drop cannot be read as its source says
 */
export function withoutPeople<T>(input: PeopleInput, work: (found: WithoutPeople) => Promise<T>): Promise<T> {
  return withScratch('forget', async (folder) => {
    const { named, object, config, pseudonyms, droppedAt } = input;
    const bytes = new HashedBytes(object.body);
    try {
      const intake = await takeIn(bytes, join(folder, 'drop'), textFormat(named.source));
      const key = object.info.key;
      return await withConnection(threadsFor(intake, { threads: 2 }), async (sql) => {
        const file = await cleanFile(sql, { intake, named, config, pseudonyms, key, droppedAt });
        if (!file || !namesPeople(file.plan)) return work(NOBODY);
        const mine = await markRecords(sql, file, input.ids);
        if (mine.records === 0) return work({ ...NOBODY, shared: mine.shared });
        const { relation, text } = file.records;
        const texts = async () =>
          (
            await sql.rows(`SELECT DISTINCT n, ${text} FROM ${relation} JOIN people USING (n) ORDER BY n`)
          ).map(([, record]) => String(record));
        const path = join(folder, 'kept');
        if (named.source.format === 'parquet') await keepParquet(sql, intake, path);
        else await keepText(sql, intake, named.source, path);
        return work({ ...mine, texts, path });
      });
    } finally {
      await bytes.close();
    }
  });
}

/** Whether only its mapping tells what words a drop of the source holds: of binary formats and other encodings. */
export const isOpaque = ({ format, encoding }: Source): boolean =>
  format === 'parquet' || encoding !== undefined;

/** Whether the unpacked text of a drop holds one of some words anywhere. What cannot be unpacked holds none. */
export async function mentions({ body }: StoredObject, words: readonly string[]): Promise<boolean> {
  const bytes = new HashedBytes(body);
  return withScratch('forget', async (folder) => {
    try {
      return await holdsAny(unpacked(bytes, join(folder, 'zip')), words);
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    } finally {
      await bytes.close();
    }
  });
}

const NOBODY: WithoutPeople = { records: 0, shared: 0, texts: async () => [] };

const sealedOf = ({ outputs }: TablePlan) => outputs.flatMap(({ name, sealed }) => (sealed ? [name] : []));

const namesPeople = (plan: TablePlan): boolean => plan.subject === 'user' || sealedOf(plan).length > 0;

/** Writes the numbers of the people's records to the temp table `people`. */
async function markRecords(
  sql: Sql,
  { plan, records: { relation } }: CleanFile,
  ids: readonly string[],
): Promise<{ records: number; shared: number }> {
  const list = `(${ids.map(quoteText).join(', ')})`;
  // A link belongs to both of its ids; a row without a subject to whom it names.
  const besides = sealedOf(plan).map((name) => `${quoteIdentifier(`o_${name}`)} IN ${list}`);
  const subjects = plan.subject === 'user' ? [`subject IN ${list}`] : [];
  const mine = [...subjects, ...besides].join(' OR ');
  const others = besides.length > 0 ? 'false' : `bool_or(coalesce(subject NOT IN ${list}, false))`;
  const words = ids.map((id) => `regexp_matches(line, ${quoteText(`(^|\\W)${escaped(id)}($|\\W)`)})`);
  await sql.run(`CREATE OR REPLACE TEMP TABLE people AS
    SELECT n, others FROM (
      SELECT n, bool_or(coalesce(${mine}, false)) AS mine, ${others} AS others FROM mapped GROUP BY n)
    WHERE mine
    UNION SELECT n, false FROM ${relation} WHERE broken IS NOT NULL AND (${words.join(' OR ')})`);
  const [[shared] = []] = await sql.rows('SELECT count(*) FROM people WHERE others');
  await sql.run('DELETE FROM people WHERE others');
  const [[records] = []] = await sql.rows('SELECT count(*) FROM people');
  return { records: Number(records), shared: Number(shared) };
}

const escaped = (id: string) => id.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

async function keepParquet(sql: Sql, intake: Intake, path: string): Promise<void> {
  await sql.run(`COPY (
      SELECT * EXCLUDE (file_row_number) FROM read_parquet(${quoteText(intake.path)}, file_row_number = true,
        hive_partitioning = false) WHERE file_row_number NOT IN (SELECT n FROM people) ORDER BY file_row_number
    ) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`);
}

/** A byte order mark says that the text is UTF-8, whatever the source's `encoding` says of files without one. */
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);
const LINE_END = Uint8Array.of(10);

async function keepText(sql: Sql, intake: Intake, source: Source, path: string): Promise<void> {
  const numbers = new Set((await sql.rows('SELECT n FROM people')).map(([n]) => Number(n)));
  const file = await open(path, 'w');
  try {
    let chunks: Uint8Array[] = source.encoding === undefined ? [] : [MARK];
    if (source.format === 'csv') chunks.push(headerOf(intake.header, source));
    let size = 0;
    const flush = async () => {
      await file.writeFile(Buffer.concat(chunks));
      chunks = [];
      size = 0;
    };
    await forEachRecord(intake.path, intake.dialect!, async (record, _, ordinal) => {
      if (numbers.has(ordinal)) return;
      chunks.push(Uint8Array.from(record), LINE_END);
      size += record.length + 1;
      if (size > 1 << 20) await flush();
    });
    await flush();
  } finally {
    await file.close();
  }
  if (packingOf(intake.head) === undefined) return;
  await pipeline(createReadStream(path), createGzip(), (await open(`${path}.gz`, 'w')).createWriteStream());
  await rename(`${path}.gz`, path);
}

/** What stands before the records: lines that are skipped, and the names as the source's dialect writes them. */
function headerOf(names: readonly string[] | undefined, { csv }: Source): Uint8Array {
  const { delimiter, quote, escape: escapedBy = quote, skipLines } = csv;
  const needsQuotes = (name: string) => [delimiter, quote, '\n', '\r'].some((mark) => name.includes(mark));
  const fields = names?.map((name) =>
    quote !== '' && needsQuotes(name)
      ? `${quote}${name.replaceAll(quote, `${escapedBy}${quote}`)}${quote}`
      : name,
  );
  return Buffer.from(`${'\n'.repeat(skipLines)}${fields ? `${fields.join(delimiter)}\n` : ''}`);
}
