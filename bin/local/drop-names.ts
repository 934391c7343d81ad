import { checkKey } from '../../lib/runtime/index.ts';

/** Whose a path of the bucket is. */
interface Taken {
  /** As it is spelled. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
  /** The file that is to be copied there; absent: an object is there already. */
  readonly from?: string;
}

/**
 * The names in a bucket, and whether others can stand beside them: in S3, on a disk that tells case apart, and on one that
 * does not, alike. Folders count too: what is below `Day=1` and `day=1` would be in one folder there.
 */
export class DropNames {
  readonly #taken = new Map<string, Taken>();

  /** Notes an object that stands there. */
  stands(key: string): void {
    for (const [path, kind] of pathsOf(key)) this.#taken.set(folded(path), { path, kind });
  }

  /**
   * Takes a key for a file.
   * @returns what is in its way, as a sentence with what to do; undefined: it is free, or its own object is to be replaced
   */
  take(key: string, from: string): string | undefined {
    try {
      checkKey(key);
    } catch (error) {
      return `${from}: ${error instanceof Error ? error.message : String(error)}`;
    }
    const paths = pathsOf(key);
    for (const [path, kind] of paths) {
      const other = this.#taken.get(folded(path));
      const why = other && inTheWay(key, from, { path, kind }, other);
      if (why) return why;
    }
    for (const [path, kind] of paths) {
      const known = this.#taken.get(folded(path));
      if (!known || kind === 'file') this.#taken.set(folded(path), { path, kind, from });
    }
    return undefined;
  }
}

function inTheWay(key: string, from: string, own: Taken, other: Taken): string | undefined {
  const whose = other.from === undefined ? 'is there already' : `is for ${other.from}`;
  if (other.path !== own.path) {
    return (
      `${from}: its key ${key} differs from ${other.path}, which ${whose}, in case or accents alone, and not every ` +
      'disk tells the two apart: rename one'
    );
  }
  if (other.kind !== own.kind) {
    return own.kind === 'file'
      ? `${from}: its key ${key} is a folder with other objects in it: rename one`
      : `${from}: its key ${key} is below ${other.path}, which ${whose} and is no folder: rename one`;
  }
  if (own.kind === 'file' && other.from !== undefined) {
    return (
      `${other.from} and ${from} would both be ${key}: give --base with a folder above both, so that their ` +
      'folders are kept'
    );
  }
  return undefined;
}

/** A key and the folders above it. */
function pathsOf(key: string): [string, 'file' | 'folder'][] {
  const parts = key.split('/');
  return parts.map((_, i) => [parts.slice(0, i + 1).join('/'), i + 1 === parts.length ? 'file' : 'folder']);
}

/** Equal for names that some file system takes for one: another case, or accents put together in another way. */
const folded = (path: string) => path.normalize('NFC').toUpperCase().toLowerCase();
