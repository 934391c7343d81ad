import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { canonicalJson } from '../data/index.ts';
import { type ObjectStore, readJson, withScratch } from '../runtime/index.ts';
import { CURRENT_VIEW } from './current.ts';
import type { ExportFile, ExportManifest, Format } from './manifest.ts';

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
 * were delivered. Interrupted, the next call goes on: files are held against the users, not against what was done.
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
  const rewritten: Rewritten[] = [];
  const files: ExportFile[] = [];
  let [rows, controlRows] = [0, 0];
  const left = new Map<string, number>();
  for (const file of manifest.files) {
    const found = await withoutUsersInFile(store, file, gone, write);
    files.push(found?.file ?? file);
    if (!found) continue;
    rewritten.push({ key: file.key, rows: found.rows });
    // Each format holds the same rows.
    if (file.format !== manifest.files[0]!.format) continue;
    left.set(file.table, (left.get(file.table) ?? 0) + found.rows);
    if (file.table !== 'users') continue;
    rows += found.rows;
    controlRows += found.controlRows;
  }
  if (rewritten.length === 0 || !write) return rewritten;
  const { profiles, audiences } = manifest;
  const without: ExportManifest = {
    ...manifest,
    rows: manifest.rows - rows,
    controlRows: manifest.controlRows - controlRows,
    files,
    ...(profiles && { profiles: { ...profiles, users: profiles.users - (left.get('profiles') ?? 0) } }),
    ...(audiences && {
      audiences: audiences.map((one) => ({
        ...one,
        users: one.users - (left.get(`audiences/${one.name}`) ?? 0),
      })),
    }),
  };
  await store.put(manifestKey, canonicalJson(without));
  const shown = await readJson<ExportManifest>(store, CURRENT_VIEW);
  if (shown?.runId === manifest.runId) await store.put(CURRENT_VIEW, canonicalJson(without));
  return rewritten;
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
    const sha256 = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
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

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

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

/** The fields of a record without its quotes. */
function fieldsOf(record: string): string[] {
  const fields: string[] = [];
  for (const [, quoted, plain] of record.trimEnd().matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
  }
  return fields;
}
