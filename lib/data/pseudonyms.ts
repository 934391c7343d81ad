import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { aesSiv } from './aes-siv.ts';
import { ConfigError, DataError } from './errors.ts';

/** AES-256-SIV: one half of the key authenticates, the other encrypts (RFC 5297). */
const KEY_BYTES = 64;

/**
 * Two-way pseudonyms: deterministic authenticated encryption (AES-SIV, RFC 5297), so one user has one pseudonym in
 * every file, no table of identities exists, and who holds the key can go back.
 */
export interface Pseudonyms {
  /** User ids to pseudonyms: base64url, 22 characters for an empty id and 4/3 of a character more per byte. */
  sealAll(userIds: readonly string[]): string[];
  /** Pseudonyms to user ids. @throws DataError when one was altered or sealed under another key. */
  openAll(pseudonyms: readonly string[]): string[];
  /** `sealAll` of one. Many at once take a fraction of the time. */
  seal(userId: string): string;
  /** `openAll` of one. */
  open(pseudonym: string): string;
}

/**
 * @param key 64 bytes
 * @throws ConfigError for a key of another length
 */
export function createPseudonyms(key: Uint8Array): Pseudonyms {
  if (key.length !== KEY_BYTES) {
    throw new ConfigError(`the pseudonym key has ${key.length} bytes, expected ${KEY_BYTES} random bytes`);
  }
  const cipher = aesSiv(key);
  const sealAll = (userIds: readonly string[]) =>
    cipher
      .encrypt(userIds.map((id) => Buffer.from(id, 'utf8')))
      .map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url'));
  const openAll = (pseudonyms: readonly string[]) => {
    const sealed = pseudonyms.map((text) => {
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.toString('base64url') !== text) throw broken();
      return bytes;
    });
    return cipher.decrypt(sealed).map((bytes) => {
      if (!bytes) throw broken();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
    });
  };
  return {
    sealAll,
    openAll,
    seal: (userId) => sealAll([userId])[0]!,
    open: (pseudonym) => openAll([pseudonym])[0]!,
  };
}

/**
 * Reads the key file, or creates it with 64 random bytes that only its owner can read. Keep a copy elsewhere: without
 * the key no export can name a user again. Two processes that create it at once end with the same key.
 * @throws ConfigError when the file holds anything but 64 bytes
 */
export async function loadOrCreateKey(path: string): Promise<Uint8Array> {
  const existing = await readKey(path);
  if (existing) return existing;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, randomBytes(KEY_BYTES), { mode: 0o600, flag: 'wx' });
    await link(draft, path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(path);
  if (!key) throw new ConfigError(`the pseudonym key ${path} vanished while it was created: try again`);
  return key;
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  try {
    const key = await readFile(path);
    if (key.length !== KEY_BYTES) {
      throw new ConfigError(
        `the pseudonym key ${path} has ${key.length} bytes, expected ${KEY_BYTES}: restore it from its copy`,
      );
    }
    return key;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function broken(): DataError {
  return new DataError(
    'a pseudonym does not open: it was altered, or it was sealed under another key than the one in use',
  );
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
