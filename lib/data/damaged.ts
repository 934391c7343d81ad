import { DataError } from './errors.ts';

/**
 * The error of an object whose bytes are not what Nightjar wrote: a power cut or a disk has lost some, or someone
 * else has written there. All but the drops can be made again, so the cure is to delete it.
 * @param key of the object
 * @param what it should be: 'JSON', 'an Arrow file'
 */
export function damaged(key: string, what: string, cause?: unknown): DataError {
  // Clean rows are made only where their record is missing as well.
  const [, drop, revision] = /^clean\/\w+\/(\w+)\/(\w+)\.arrow$/.exec(key) ?? [];
  const record = drop === undefined ? '' : ` and quality/${drop}/${revision}.json`;
  return new DataError(
    `${key} is damaged or was not written by Nightjar (it is not ${what}): delete it${record} and run the same ` +
      'command again, which makes it anew',
    { cause },
  );
}
