import { StoreError } from '../errors.ts';
import { systemCode } from './system.ts';

/** What a failed system call means for whoever works with the store. */
const MEANINGS: Readonly<Record<string, string>> = {
  EISDIR: 'there are objects below it, and a folder can not hold both: choose another key',
  ENOTEMPTY: 'there are objects below it, and a folder can not hold both: choose another key',
  EEXIST: 'there are objects below it, and a folder can not hold both: choose another key',
  ENOTDIR: 'a part of its path is an object, and a folder can not hold both: choose another key',
  ENOENT: "the store's folder is gone: open the store again",
  EXDEV:
    'its folder is a link to another disk, to which a finished file can not be moved: link the whole store',
  ENOSPC: 'the disk is full: make room and try again',
  EDQUOT: 'the quota of the disk is used up: make room and try again',
  EACCES: "the permissions of the store's folder do not allow it",
  EPERM: "the permissions of the store's folder do not allow it",
  EROFS: 'the disk is read-only',
  EMFILE: 'too many files are open: raise the limit (ulimit -n)',
  ENFILE: 'too many files are open on this machine',
  EIO: 'the disk has an error',
};

/** What `action` gives. Where a system call fails, the error says what it means for the object. */
export async function explained<T>(key: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    const meaning = MEANINGS[systemCode(error) ?? ''];
    if (meaning === undefined) throw error;
    throw new StoreError(`${key} can not be read or changed: ${meaning}`, { cause: error });
  }
}
