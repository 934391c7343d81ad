import { DataError } from '../../data/index.ts';
import { type ObjectStore, putJson, readVersion } from '../../runtime/index.ts';
import type { Segment } from './segments.ts';

/** A segment in use. */
export interface Ref extends Segment {
  /** How many of its rows the round under way has passed. */
  readonly passed: number;
  /** ISO time. What is in use is written again before the bucket's rule would take it away. */
  readonly writtenAt: string;
}

/** The one object that says what the index is. Everything else that it names never changes. */
export interface Head {
  readonly format: 1;
  /** Of two rows of a drop that waits the one in the later segment counts. */
  readonly refs: readonly Ref[];
  /** The walk through `drop/` that is under way: when it began, and the last key that was listed ('' before the first). */
  readonly round: { readonly begun: string; readonly cursor: string };
  /** When the last whole round began. */
  readonly whole: string | null;
  /** What names the settings by which drops are looked at, and since when they are. */
  readonly settings: { readonly name: string; readonly since: string };
  /** The last key of a waiting drop that was looked at, and the next slice of dropIds to be. */
  readonly looked: string;
  readonly slice: number;
}

const HEAD = 'index/head.json';

export async function readHead(store: ObjectStore): Promise<{ head: Head; etag: string } | undefined> {
  const found = await readVersion<Head>(store, HEAD);
  if (!found) return undefined;
  if (found.value.format !== 1) {
    throw new DataError(
      `${HEAD} was written by another version (format ${found.value.format}): delete it, and the next call begins the index anew`,
    );
  }
  return { head: found.value, etag: found.etag };
}

/** @param etag of the head that was read; undefined: none stood. @returns whether it is the one now */
export async function writeHead(store: ObjectStore, head: Head, etag: string | undefined): Promise<boolean> {
  const condition = etag === undefined ? { ifAbsent: true } : { ifMatch: etag };
  return (await putJson(store, HEAD, head, condition)).written;
}
