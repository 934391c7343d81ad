/**
 * Requests for files that are read from their front to their end, as `ShardedFiles` makes them: one for the size, one for the
 * end or the whole, then one for each window that is read ahead. Windows share a bound of memory.
 */

const MEMORY = 256 * 2 ** 20;
const WINDOW = { least: 2 ** 16, most: 8 * 2 ** 20 };
/** A file of this size at most is fetched whole. */
const WHOLE = 2 ** 20;
const OPENING = 2;

/**
 * @param files how many, `bytes` of each
 * @param processes that share out the files' ranges, each opening all files
 * @param share of each file that is read
 */
export function readsOfFiles(files: number, bytes: number, processes = 1, share = 1): number {
  const opened = files * processes * OPENING;
  if (bytes <= WHOLE) return opened;
  const window = Math.max(WINDOW.least, Math.min(WINDOW.most, MEMORY / files));
  return opened + (files * bytes * share) / window;
}
