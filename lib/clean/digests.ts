import type { Config } from '../config/index.ts';
import { contentId, dropId } from '../data/index.ts';
import type { ObjectInfo, ObjectStore } from '../runtime/index.ts';
import { type CleanKeys, cleanKeys, type Mappings, sourceOf } from './keys.ts';

/**
 * Whose bytes a drop has is told by a digest, and whether they changed by the object's etag, which listings have. S3's etags
 * are opaque, and its listings hold no checksums. So clean, which reads the bytes anyway, leaves an empty object for each
 * version of a drop: `digests/<dropId>/<etag, hashed>-<digest>`. One listing tells the digests of all drops then.
 */
const PREFIX = 'digests/';

/** Digests of the bytes of drops, by `versionOf`. */
export type Digests = ReadonlyMap<string, string>;

type DropInfo = Pick<ObjectInfo, 'key' | 'etag' | 'digest'>;

const versionOf = ({ key, etag }: DropInfo): string => `${dropId(key)}/${contentId(etag)}`;

/** The digests that are on record: of all versions of all drops, of one, or of the drops whose dropIds begin so. */
export async function listDigests(store: ObjectStore, of: DropInfo | string = ''): Promise<Digests> {
  const digests = new Map<string, string>();
  for await (const { key } of store.list(`${PREFIX}${typeof of === 'string' ? of : `${versionOf(of)}-`}`)) {
    const dash = key.lastIndexOf('-');
    digests.set(key.slice(PREFIX.length, dash), key.slice(dash + 1));
  }
  return digests;
}

/** Puts the digest of a drop's bytes on record, unless its etag is that very digest. */
export async function recordDigest(store: ObjectStore, info: DropInfo, digest: string): Promise<void> {
  if (info.etag === digest) return;
  await store.put(`${PREFIX}${versionOf(info)}-${digest}`, '', { ifAbsent: true });
}

/**
 * The keys that cleaning a drop leads to; undefined where its bytes were never read, so that nobody knows. What no source
 * takes is never read: there its etag stands for its bytes.
 */
export function keysOf(
  config: Config,
  info: DropInfo,
  digests: Digests,
  mappings?: Mappings,
): CleanKeys | undefined {
  const digest = info.digest ?? digests.get(versionOf(info));
  if (digest !== undefined) return cleanKeys(config, info.key, digest, mappings);
  return sourceOf(config, info.key) ? undefined : cleanKeys(config, info.key, info.etag);
}

/** `keysOf` for one drop, with a look at what is on record of it. */
export async function findKeys(
  store: ObjectStore,
  config: Config,
  info: DropInfo,
): Promise<CleanKeys | undefined> {
  return keysOf(config, info, info.digest === undefined ? await listDigests(store, info) : new Map());
}
