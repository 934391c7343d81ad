import { createReadStream, createWriteStream } from 'node:fs';
import { rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { canonicalJson } from '../data/index.ts';
import { type ObjectStore, readJson, withScratch } from '../runtime/index.ts';
import { CURRENT_VIEW } from './current.ts';
import type { ExportFile, ExportManifest, Format } from './manifest.ts';
import { hashOf, literal } from './table-file.ts';

/** Whose rows leave an export: ids as the shop writes them, and hashes of their addresses. */
export interface Gone {
  readonly ids: ReadonlySet<string>;
  readonly addresses: ReadonlySet<string>;
}

/** A file of an export that was written anew. */
export interface Rewritten {
  readonly key: string;
  readonly rows: number;
}

/**
 * Takes users out of a finished export: out of each file in each format, and of its counts. Ranks and deciles of others stay as they
 * were delivered. What the manifest is to say is put beside it before any file is written, so that after an interruption the
 * next call ends with the same files and counts.
 * @param write false: only count
 */
export async function withoutUsers(
  store: ObjectStore,
  manifestKey: string,
  gone: Gone,
  write: boolean,
): Promise<Rewritten[]> {
  const manifest = await readJson<ExportManifest>(store, manifestKey);
  if (!manifest) return [];
  const nextKey = `${manifestKey}.next`;
  const found = await inFiles(store, manifest, gone, false);
  const rewritten = [...found].map(([key, { rows }]) => ({ key, rows }));
  const begun = await readJson<ExportManifest>(store, nextKey);
  if (!write || (rewritten.length === 0 && !begun)) return rewritten;
  const next = begun ?? without(manifest, found);
  if (!begun) await store.put(nextKey, canonicalJson(next));
  await inFiles(store, manifest, gone, true);
  await store.put(manifestKey, canonicalJson(next));
  const shown = await readJson<ExportManifest>(store, CURRENT_VIEW);
  if (shown?.runId === manifest.runId) await store.put(CURRENT_VIEW, canonicalJson(next));
  await store.delete(nextKey);
  return rewritten;
}

/** The files that hold rows of the users, by key. */
async function inFiles(
  store: ObjectStore,
  { files }: ExportManifest,
  gone: Gone,
  write: boolean,
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  for (const file of files) {
    const one = await withoutUsersInFile(store, file, gone, write);
    if (one) found.set(file.key, one);
  }
  return found;
}

/** What the manifest says once the rows are gone. */
function without(manifest: ExportManifest, found: ReadonlyMap<string, Found>): ExportManifest {
  const { files, profiles, audiences } = manifest;
  // Each format holds the same rows.
  const once = files.filter(({ format }) => format === files[0]!.format);
  const gone = (table: string, of: keyof Counts) =>
    once.reduce((sum, file) => sum + (file.table === table ? (found.get(file.key)?.[of] ?? 0) : 0), 0);
  return {
    ...manifest,
    rows: manifest.rows - gone('users', 'rows'),
    controlRows: manifest.controlRows - gone('users', 'controlRows'),
    files: files.map((file) => found.get(file.key)?.file ?? file),
    ...(profiles && { profiles: { ...profiles, users: profiles.users - gone('profiles', 'rows') } }),
    ...(audiences && {
      audiences: audiences.map((one) => ({
        ...one,
        users: one.users - gone(`audiences/${one.name}`, 'rows'),
        controlUsers: one.controlUsers - gone(`audiences/${one.name}`, 'controlRows'),
      })),
    }),
  };
}

interface Found {
  readonly file: ExportFile;
  readonly rows: number;
  readonly controlRows: number;
}

function withoutUsersInFile(
  store: ObjectStore,
  file: ExportFile,
  gone: Gone,
  write: boolean,
): Promise<Found | undefined> {
  return withScratch('forget', async (folder) => {
    if (!(await store.head(file.key))) return undefined;
    const path = join(folder, 'file');
    await pipeline((await store.get(file.key)).body, createWriteStream(path));
    const found = await REWRITE[file.format](path, gone);
    if (!found) return undefined;
    if (write) await store.put(file.key, createReadStream(path));
    const sha256 = await hashOf(createReadStream(path));
    const bytes = (await stat(path)).size;
    return { ...found, file: { ...file, rows: file.rows - found.rows, bytes, sha256 } };
  });
}

type Counts = Omit<Found, 'file'>;

const REWRITE: Readonly<Record<Format, (path: string, gone: Gone) => Promise<Counts | undefined>>> = {
  'csv.gz': async (path, gone) => {
    const plain: Buffer[] = [];
    for await (const chunk of createReadStream(path).pipe(createGunzip())) plain.push(chunk as Buffer);
    const text = Buffer.concat(plain);
    const records = [...csvRecords(text)];
    const names = fieldsOf(records[0]?.toString('utf8') ?? '');
    const [user, address, control] = ['user_id', 'email_sha256', 'control'].map((name) =>
      names.indexOf(name),
    );
    const kept: Buffer[] = [];
    let [rows, controlRows] = [0, 0];
    for (const [i, record] of records.entries()) {
      const fields = i > 0 ? fieldsOf(record.toString('utf8')) : [];
      if (i === 0 || !isGone(gone, fields[user!], fields[address!])) {
        kept.push(record);
        continue;
      }
      rows += 1;
      if (fields[control!] === 'true') controlRows += 1;
    }
    if (rows === 0) return undefined;
    await writeFile(path, gzipSync(Buffer.concat(kept), { level: 6 }));
    return { rows, controlRows };
  },
  parquet: async (path, gone) => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
    const connection = await instance.connect();
    try {
      const rowsOf = async (sql: string) => (await connection.run(sql)).getRowsJson();
      const described = await rowsOf(`DESCRIBE FROM read_parquet(${literal(path)})`);
      const has = (name: string) => described.some(([column]) => column === name);
      const list = (values: ReadonlySet<string>) => [...values].map(literal).join(', ') || 'NULL';
      const conditions = [
        ...(has('user_id') ? [`coalesce(user_id IN (${list(gone.ids)}), false)`] : []),
        ...(has('email_sha256') ? [`coalesce(email_sha256 IN (${list(gone.addresses)}), false)`] : []),
      ];
      if (conditions.length === 0) return undefined;
      const theirs = conditions.join(' OR ');
      const control = has('control') ? 'count(*) FILTER (WHERE control)' : '0';
      const [[rows, controlRows] = []] = await rowsOf(
        `SELECT count(*)::INTEGER, (${control})::INTEGER FROM read_parquet(${literal(path)}) WHERE ${theirs}`,
      );
      if (Number(rows) === 0) return undefined;
      await connection.run(
        `COPY (SELECT * FROM read_parquet(${literal(path)}) WHERE NOT (${theirs})) TO ${literal(`${path}.new`)}
         (FORMAT parquet, COMPRESSION zstd)`,
      );
      await rename(`${path}.new`, path);
      return { rows: Number(rows), controlRows: Number(controlRows) };
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  },
};

/** A guard against formulas may stand before an id. */
const isGone = ({ ids, addresses }: Gone, user: string | undefined, address: string | undefined): boolean =>
  (user !== undefined && (ids.has(user) || (user.startsWith("'") && ids.has(user.slice(1))))) ||
  (address !== undefined && addresses.has(address));

const QUOTE = 0x22;
const LINE_END = 0x0a;

/** Records of what CsvWriter wrote, each with its line end. */
function* csvRecords(text: Buffer): Generator<Buffer> {
  let from = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === QUOTE) quoted = !quoted;
    else if (text[at] === LINE_END && !quoted) {
      yield text.subarray(from, at + 1);
      from = at + 1;
    }
  }
}

/** The fields of a record of CsvWriter, without quotes and line end. */
function fieldsOf(record: string): string[] {
  const fields: string[] = [];
  const end = record.endsWith('\n') ? record.length - 1 : record.length;
  for (let at = 0; at <= end; at++) {
    if (record[at] === '"') {
      let close = at + 1;
      while (record[close] !== '"' || record[close + 1] === '"') close += record[close] === '"' ? 2 : 1;
      fields.push(record.slice(at + 1, close).replaceAll('""', '"'));
      at = close + 1;
    } else {
      const comma = record.indexOf(',', at);
      const close = comma < 0 || comma > end ? end : comma;
      fields.push(record.slice(at, close));
      at = close;
    }
  }
  return fields;
}
