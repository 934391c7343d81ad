import { hash } from 'node:crypto';

/** Hex SHA-256 of bytes or text. */
export function sha256(data: Uint8Array | string): string {
  return hash('sha256', data);
}

/**
 * JSON with sorted keys, so that equal values have equal text. Undefined members are left out.
 * @throws TypeError for values JSON has no form for (functions, bigint)
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}

/** Short stable name of any JSON value: 16 hex digits of SHA-256 over its canonical JSON. */
export function contentId(value: unknown): string {
  return sha256(canonicalJson(value)).slice(0, 16);
}

/** Name of bytes, the same wherever they lie: 128 bits of their SHA-256 in hex. @param sha256Hex of all of them */
export function digestOf(sha256Hex: string): string {
  return sha256Hex.slice(0, 32);
}

/** Name of the object under `drop/`, the same for every content it ever has. */
export function dropId(key: string): string {
  return sha256(key).slice(0, 16);
}

/** 32-bit hash of a pseudonym; its top bits choose the shard, on every machine and for every shard count. */
export function userHash(pseudonym: string): number {
  return first32Bits(pseudonym);
}

/** Shard of a user hash among `shards` (a power of two): the hash's top bits. */
export function shardOf(hash: number, shards: number): number {
  return shards === 1 ? 0 : hash >>> (32 - Math.log2(shards));
}

/** The file name part of a shard: 'shard=007'. */
export function shardName(shard: number): string {
  return `shard=${String(shard).padStart(3, '0')}`;
}

/**
 * A number in [0, 1) that depends on the salt and the user alone: for control groups and folds that stay the same
 * every night.
 */
export function stableUnit(salt: string, pseudonym: string): number {
  return first32Bits(`${salt}\n${pseudonym}`) / 2 ** 32;
}

/**
 * Is the user held out of every campaign? The same answer every night, as long as the share stays.
 * @param share of the users, 0 to 1
 */
export const inControl = (pseudonym: string, share: number): boolean =>
  stableUnit('control', pseudonym) < share;

/** Of the SHA-256 of a text. Of the ways that Node offers this one takes a quarter of the time of a Hash object. */
function first32Bits(text: string): number {
  return Number.parseInt(hash('sha256', text).slice(0, 8), 16);
}
