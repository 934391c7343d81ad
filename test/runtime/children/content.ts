import { createHash } from 'node:crypto';

/** Bytes that depend on key and size alone, so that any mixture or part of two objects is noticed. */
export function contentOf(key: string, size: number): Buffer {
  return Buffer.alloc(size, createHash('sha256').update(`${key}:${size}`).digest());
}
