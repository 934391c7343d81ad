import { type Zippable, zipSync } from 'fflate';

export interface ZipFile {
  readonly bytes: Uint8Array;
  readonly executable?: boolean;
}

/**
 * Packs files so that equal files give equal bytes: sorted names, one time, fixed modes and a deflate of our own choice
 * (zlib's output differs between versions and processors).
 */
export function zip(files: ReadonlyMap<string, ZipFile>): Uint8Array {
  const entries: Zippable = {};
  // Zip times have no zone: the local parts are written, and are the same for every builder.
  const mtime = new Date(1980, 0, 1, 12);
  for (const [name, { bytes, executable }] of [...files].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    const mode = executable ? 0o100755 : 0o100644;
    entries[name] = [bytes, { level: 6, mtime, os: UNIX, attrs: mode * 0x10000 }];
  }
  return zipSync(entries);
}

/** "Version made by" of the format: the attributes are Unix modes. Without it nobody but the owner may read a file. */
const UNIX = 3;
