import { createHash } from 'node:crypto';
import type { CleanedQuality } from '../../clean/index.ts';
import type { ObjectInfo, OtherEntry } from '../../runtime/index.ts';
import { contentOf, type DropState, type KnownDrop } from '../inputs.ts';

/** What an index keeps of one drop: one line of its listing, and how far it is by the settings of the segment it is in. */
export interface Row {
  readonly key: string;
  readonly etag: string;
  readonly digest: string | null;
  readonly size: number;
  /** Of the object, ms UTC. */
  readonly modified: number;
  /** What a listing told that is no readable object: no question about it tells more. */
  readonly other: boolean;
  readonly state: KnownDrop['state'];
  /** Of a refused drop the reason, of a pending one what keeps it. */
  readonly why: string | null;
  /** The rest is of the quality record, where one was read; `source` is null where no source took the drop. */
  readonly revision: string | null;
  readonly source: string | null;
  readonly table: CleanedQuality['table'];
  readonly minDay: number | null;
  readonly maxDay: number | null;
  readonly rowsIn: number;
  readonly clean: number;
  readonly withdrawn: number;
  readonly droppedAt: number;
  /** 16 hex digits that name what the drop says; null where nothing is known of it. */
  readonly content: string | null;
}

/** What is said of a drop of which nothing is known. */
export const UNKNOWN = {
  why: null,
  revision: null,
  source: null,
  table: null,
  minDay: null,
  maxDay: null,
  rowsIn: 0,
  clean: 0,
  withdrawn: 0,
  droppedAt: 0,
  content: null,
} as const;

/** A drop of which nothing is known but that it is there. */
export function newRow({ key, etag, digest, size, lastModified }: ObjectInfo): Row {
  const modified = lastModified.getTime();
  const told = { key, etag, digest: digest ?? null, size, modified };
  return { ...told, other: false, state: 'pending', ...UNKNOWN };
}

/** What a listing could not read, and how that is judged. */
export function otherRow({ key, kind, reason }: OtherEntry, judged: DropState): Row {
  const told = { key, etag: `${kind} ${reason}`, digest: null, size: 0, modified: 0, other: true };
  return judged.state === 'refused'
    ? { ...told, state: 'refused', ...UNKNOWN, why: judged.quality.refused.reason }
    : {
        ...told,
        state: 'pending',
        ...UNKNOWN,
        why: judged.state === 'pending' ? (judged.why ?? null) : null,
      };
}

/** A row with what was found out about its drop. */
export function judgedRow(row: Row, drop: DropState): Row {
  const { state } = drop;
  const listed = { ...row, ...UNKNOWN, state };
  if (drop.state === 'refused') {
    const { revision, source, table, refused } = drop.quality;
    return { ...listed, why: refused.reason, revision, source, table };
  }
  const why = drop.state === 'pending' ? (drop.why ?? null) : null;
  if (!drop.quality) return { ...listed, why };
  const { revision, source, table, minDay, maxDay, rowsIn, clean, withdrawn, droppedAt } = drop.quality;
  const told = { revision, source, table, minDay, maxDay, rowsIn, clean, withdrawn, droppedAt };
  return { ...listed, why, ...told, content: contentOf(drop.quality) };
}

export const infoOf = ({ key, etag, digest, size, modified }: Row): ObjectInfo => ({
  key,
  etag,
  size,
  lastModified: new Date(modified),
  ...(digest === null ? {} : { digest }),
});

/** The drop of a row that its settings know. */
export function dropOf(row: Row, dropId = dropIdOf(row.key)): KnownDrop {
  const { key, size, state, table, revision } = row;
  const drop = { key, size, droppedAt: new Date(row.modified) };
  if (state === 'pending') return unknownDrop(row, { mapping: revision?.slice(0, revision.length / 2) });
  if (state === 'refused') {
    return { ...drop, state, quality: { refused: { reason: row.why ?? '', hint: '' } } };
  }
  const { source, minDay, maxDay, rowsIn, withdrawn, droppedAt, content } = row;
  return {
    ...drop,
    state,
    quality: {
      dropId,
      revision: revision!,
      source,
      table,
      minDay,
      maxDay,
      rowsIn,
      clean: row.clean,
      withdrawn,
      droppedAt,
      content: content!,
    },
    ...(row.clean > 0 ? { clean: cleanKeyOf(row, dropId) } : {}),
  };
}

/**
 * The drop of a row that the settings of somebody do not know, or wait for.
 * @param mapping of now: what was cleaned by another one has not begun
 * @param why given where the settings are those of an earlier night
 */
export function unknownDrop(
  row: Row,
  { mapping, why }: { mapping?: string | undefined; why?: string },
): KnownDrop & { readonly state: 'pending' } {
  const { key, size, state, revision } = row;
  const drop = { key, size, droppedAt: new Date(row.modified), state: 'pending' } as const;
  if (why !== undefined) return { ...drop, why };
  if (state !== 'pending') return drop;
  const begun = row.clean > 0 && mapping !== undefined && revision?.startsWith(mapping);
  return {
    ...drop,
    ...(begun ? { clean: cleanKeyOf(row) } : {}),
    ...(row.why === null ? {} : { why: row.why }),
  };
}

const cleanKeyOf = ({ key, table, revision }: Row, dropId = dropIdOf(key)): string =>
  `clean/${table}/${dropId}/${revision}.arrow`;

/** Is it a drop that makes a run of users or of a table possible? */
export const isInput = ({ state, table, clean }: Row): boolean =>
  state === 'done' && clean > 0 && (table === 'events' || table === 'labels');

/** Is it no drop of events, or one that begins before a shop day? */
export const beginsBefore = ({ state, table, minDay }: Row, day: number): boolean =>
  state !== 'done' || table !== 'events' || minDay === null || minDay < day;

/** Is there any row in the drop that counts? */
export const rowHasRows = ({ state, clean, withdrawn }: Row): boolean =>
  state === 'done' && (clean > 0 || withdrawn > 0);

/** Is there anything in the drop that a run reads? No run reads treatments. */
export const isRead = (row: Row): boolean => rowHasRows(row) && row.table !== 'treatments';

/** The first 64 bits of the hash of a drop's key: its dropId. */
export const idOf = (key: string): Buffer => createHash('sha256').update(key).digest().subarray(0, 8);

const dropIdOf = (key: string): string => idOf(key).toString('hex');

/** 64 bits that change whenever a listing tells something else of the key. */
export const versionOf = ({ etag, size }: Pick<Row, 'etag' | 'size'>, modified: number): Buffer =>
  createHash('sha256').update(`${size} ${modified} ${etag}`).digest().subarray(0, 8);

/** Rows by columns; a column that is the same in all rows is written once. */
type Column<T> = { readonly all: T } | readonly T[];

function column<T>(rows: readonly Row[], of: (row: Row) => T): Column<T> {
  const values = rows.map(of);
  const [first] = values;
  return first !== undefined && values.every((value) => value === first) ? { all: first } : values;
}

export function encodeRows(rows: readonly Row[]): string {
  return JSON.stringify({
    key: column(rows, ({ key }) => key),
    etag: column(rows, ({ etag }) => etag),
    digest: column(rows, ({ digest }) => digest),
    size: column(rows, ({ size }) => size),
    modified: column(rows, ({ modified }) => modified),
    other: column(rows, ({ other }) => other),
    state: column(rows, ({ state }) => state),
    why: column(rows, ({ why }) => why),
    revision: column(rows, ({ revision }) => revision),
    source: column(rows, ({ source }) => source),
    table: column(rows, ({ table }) => table),
    minDay: column(rows, ({ minDay }) => minDay),
    maxDay: column(rows, ({ maxDay }) => maxDay),
    rowsIn: column(rows, ({ rowsIn }) => rowsIn),
    clean: column(rows, ({ clean }) => clean),
    withdrawn: column(rows, ({ withdrawn }) => withdrawn),
    droppedAt: column(rows, ({ droppedAt }) => droppedAt),
    content: column(rows, ({ content }) => content),
  });
}

/** @returns the n-th row, made when it is asked for */
export function decodeRows(text: string): (n: number) => Row {
  const columns: { readonly [Name in keyof Row]: Column<Row[Name]> } = JSON.parse(text);
  const of = <T>(values: Column<T>, n: number): T => ('all' in values ? values.all : values[n]!);
  return (n) => ({
    key: of(columns.key, n),
    etag: of(columns.etag, n),
    digest: of(columns.digest, n),
    size: of(columns.size, n),
    modified: of(columns.modified, n),
    other: of(columns.other, n),
    state: of(columns.state, n),
    why: of(columns.why, n),
    revision: of(columns.revision, n),
    source: of(columns.source, n),
    table: of(columns.table, n),
    minDay: of(columns.minDay, n),
    maxDay: of(columns.maxDay, n),
    rowsIn: of(columns.rowsIn, n),
    clean: of(columns.clean, n),
    withdrawn: of(columns.withdrawn, n),
    droppedAt: of(columns.droppedAt, n),
    content: of(columns.content, n),
  });
}
