import { Field, Int32, Uint32, Utf8 } from 'apache-arrow';
import { contentId, encodeArrow, recordBatch, userHash } from '../../data/index.ts';
import { type ObjectStore, putJson, readJson } from '../../runtime/index.ts';
import { plain, textOf } from '../columns.ts';
import type { UserDay } from '../days.ts';
import type { Interner } from '../interner.ts';
import { ShardedFiles } from '../sharded-files.ts';
import { Joins, type Tally } from './joins.ts';
import { type IdentityDrop, readLinks } from './links.ts';
import { type MovedBatch, MovedRows, readMovedBatch } from './moved-file.ts';

/** Raise this when equal questions would get other answers. */
const VERSION = 1;
/** What is kept of small files, for the next shard. */
const CACHE_BYTES = 64 << 20;
/** Files read at the same time. */
const PARALLEL = 16;

/** Everything that decides which rows go to which other ids in a run. */
export interface IdentityQuestion {
  readonly drops: readonly IdentityDrop[];
  readonly timeZone: string;
  /** Links of this shop day and later are not known, and rows are not read. */
  readonly before: number;
  /** The longest label window, in days. */
  readonly horizon: number;
  readonly shards: number;
  /** Names the day rows that are read, and which versions of them count. */
  readonly rows: string;
  /** The states that the run wants to fold on from. */
  readonly snapshot?: {
    readonly day: number;
    readonly asOf: number;
    /** dropIds. */
    readonly held: ReadonlySet<string>;
    /** Shards whose states hold other versions of events than those that count. */
    readonly stale: readonly number[];
  };
}

/** The users of a shard with the rows that they have themselves, as far as the question reads. */
interface ShardRows extends Iterable<{ readonly user: string; readonly days: readonly UserDay[] }> {
  readonly items: Interner;
}

/** What `summary.json` says: the parts stand when it does. */
interface Summary extends Tally {
  /** Rows of each part. */
  readonly parts: readonly number[];
}

/** The rows that links bring to users from other ids. */
export class MovedParts {
  readonly tally: Tally;
  readonly #folder: string;
  readonly #parts: readonly number[];
  readonly #files: ShardedFiles;
  readonly #shards: number;

  constructor(store: ObjectStore, folder: string, { parts, ...tally }: Summary, shards: number) {
    this.tally = tally;
    this.#folder = folder;
    this.#parts = parts;
    this.#files = new ShardedFiles(store, CACHE_BYTES);
    this.#shards = shards;
  }

  /** Those of the users of one shard. */
  async read(shard: number, items: Interner): Promise<MovedBatch[]> {
    const shards = this.#shards;
    const low = (shard / shards) * 2 ** 32;
    const high = ((shard + 1) / shards) * 2 ** 32;
    const keys = this.#parts.flatMap((rows, part) => (rows > 0 ? [partKey(this.#folder, part)] : []));
    const batches: MovedBatch[] = [];
    for (let i = 0; i < keys.length; i += PARALLEL) {
      const opened = keys.slice(i, i + PARALLEL).map(async (key) => {
        return { key, parts: await this.#files.read(key, shard, shards) };
      });
      for (const { key, parts } of await Promise.all(opened)) {
        for (const { batch } of parts) {
          const rows = readMovedBatch(batch, items, key, low, high);
          if (rows) batches.push(rows);
        }
      }
    }
    return batches;
  }
}

/**
 * Finds out which rows links bring to which other ids, or reads what a job has found out before. Several jobs may do so at
 * once: each shard's rows are looked through by whoever comes first, and all write the same bytes.
 * @param read the rows of one shard, nothing joined
 * @param begin 0 to 1: where in the shards to begin, so that jobs that start together share the work
 */
export async function openIdentities(
  store: ObjectStore,
  question: IdentityQuestion,
  read: (shard: number) => Promise<ShardRows>,
  begin = 0,
): Promise<MovedParts> {
  const { shards } = question;
  const folder = `versions/identities/${nameOf(question)}`;
  const summaryKey = `${folder}/summary.json`;
  let summary = await readJson<Summary>(store, summaryKey);
  if (!summary) {
    const joins = await openJoins(store, question);
    const parts: number[] = new Array(shards);
    for (let k = 0; k < shards; k++) {
      const part = (k + Math.floor(begin * shards)) % shards;
      parts[part] = await ensurePart(store, folder, joins, part, shards, read);
    }
    await putRefused(store, folder, joins);
    summary = { parts, ...joins.tally() };
    await putJson(store, summaryKey, summary, { ifAbsent: true });
  }
  return new MovedParts(store, folder, summary, shards);
}

async function openJoins(store: ObjectStore, question: IdentityQuestion): Promise<Joins> {
  const { drops, timeZone, before, horizon, shards, snapshot } = question;
  const links = await readLinks(store, drops, timeZone, before);
  if (!snapshot) return new Joins(links, before, horizon, shards);
  const held = drops.filter(({ dropId }) => snapshot.held.has(dropId));
  const stale = new Set(snapshot.stale);
  return new Joins(links, before, horizon, shards, {
    day: snapshot.day,
    asOf: snapshot.asOf,
    links: await readLinks(store, held, timeZone, snapshot.asOf),
    isStale: (shard) => stale.has(shard),
  });
}

/** Equal questions have one name, whoever asks them. */
function nameOf({ snapshot, drops, before, ...question }: IdentityQuestion): string {
  const record = snapshot ? { ...snapshot, held: [...snapshot.held].sort() } : null;
  const keys = drops.map(({ key }) => key);
  return contentId({ version: VERSION, ...question, before: String(before), keys, snapshot: record });
}

const partKey = (folder: string, part: number): string =>
  `${folder}/part=${String(part).padStart(3, '0')}.arrow`;

/** Looks through the rows of one shard for those that go elsewhere. @returns how many go */
async function ensurePart(
  store: ObjectStore,
  folder: string,
  joins: Joins,
  part: number,
  shards: number,
  read: (shard: number) => Promise<ShardRows>,
): Promise<number> {
  if (!joins.concerns(part, shards)) return 0;
  const key = partKey(folder, part);
  const tallyKey = key.replace(/arrow$/, 'json');
  const known = await readJson<{ rows: number }>(store, tallyKey);
  if (known) return known.rows;
  const users = await read(part);
  const moved = new MovedRows(users.items);
  for (const move of joins.marks(part, shards)) moved.mark(move);
  for (const { user, days } of users) {
    const moves = joins.movesOf(user);
    if (moves) for (const day of days) moved.add(moves(day.day), day);
  }
  const { rows } = moved;
  if (rows > 0) await store.put(key, moved.encode(shards), { ifAbsent: true });
  await putJson(store, tallyKey, { rows }, { ifAbsent: true });
  return rows;
}

const REFUSED = [
  new Field('user', new Utf8(), false),
  new Field('hash', new Uint32(), false),
  new Field('since', new Int32(), false),
  new Field('why', new Utf8(), false),
];

/** The quarantine of links: ids that are linked and nobody else's, since which day, and why. For people; no job reads it. */
async function putRefused(store: ObjectStore, folder: string, joins: Joins): Promise<void> {
  const rows = [...joins.refused()].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (rows.length === 0) return;
  const columns = [
    textOf(
      rows.map(({ id }) => id),
      rows.length,
    ),
    plain(
      new Uint32(),
      Uint32Array.from(rows, ({ id }) => userHash(id)),
    ),
    plain(
      new Int32(),
      Int32Array.from(rows, ({ since }) => since),
    ),
    textOf(
      rows.map(({ why }) => why),
      rows.length,
    ),
  ];
  const bytes = encodeArrow(REFUSED, [recordBatch(REFUSED, columns, rows.length)]);
  await store.put(`${folder}/refused.arrow`, bytes, { ifAbsent: true });
}
