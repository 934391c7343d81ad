import { realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../lib/config/index.ts';
import { ConfigError, damaged } from '../../lib/data/index.ts';
import { type ObjectStore, putJson, readVersion, SystemError } from '../../lib/runtime/index.ts';

/** Where a bucket says whose it is. */
const KEY = 'identity.json';

const identitySchema = z.object({
  format: z.literal(1),
  /** `shop.name` of the config. */
  shop: z.string(),
  /** The config file, seen from the bucket's folder: a project may be moved as a whole. */
  config: z.string(),
});

type Identity = z.output<typeof identitySchema>;

/** A config, and the bucket that a command would use for it. */
export interface Claimant {
  readonly store: ObjectStore;
  /** The bucket's folder. */
  readonly root: string;
  readonly config: Config;
  readonly file: string;
}

/**
 * Makes sure that a bucket belongs to a config: two shops in one bucket would become one, in the zone of whichever runs
 * last. The first command writes down whose it is. Owned is what names the same shop and the same file; where that file
 * is gone and one of the same name claims to be that shop, it was moved.
 * @param how `adopt`: take the bucket over; `looking`: leave a bucket that is nobody's without a mark
 * @throws ConfigError when it is another's
 */
export async function checkOwner(
  claimant: Claimant,
  { adopt = false, looking = false }: { adopt?: boolean | undefined; looking?: boolean },
): Promise<void> {
  const { store, root, config, file } = claimant;
  const real = await realpath(file);
  const mine: Identity = {
    format: 1,
    shop: config.shop.name,
    config: relative(await realpath(root), real),
  };
  const found = (await readIdentity(store)) ?? (looking ? undefined : await firstOwner(store, mine));
  if (!found) return;
  const { identity, etag } = found;
  const owner = resolve(await realpath(root), identity.config);
  const standing = await realpath(owner).catch(() => undefined);
  const sameShop = identity.shop === mine.shop;
  if (sameShop && standing === real) return;
  const moved = sameShop && standing === undefined && basename(owner) === basename(real);
  if (!moved && !adopt) throw foreign(root, { ...identity, config: owner }, { ...mine, config: file });
  await written(putJson(store, KEY, mine, { ifMatch: etag }));
}

interface Found {
  readonly identity: Identity;
  readonly etag: string;
}

async function readIdentity(store: ObjectStore): Promise<Found | undefined> {
  const version = await readVersion<unknown>(store, KEY);
  if (!version) return undefined;
  const { success, data, error } = identitySchema.safeParse(version.value);
  if (!success) throw damaged(KEY, 'an identity', error);
  return { identity: data, etag: version.etag };
}

/** @returns whose it is where another command was faster */
async function firstOwner(store: ObjectStore, mine: Identity): Promise<Found | undefined> {
  const put = await written(putJson(store, KEY, mine, { ifAbsent: true }));
  return put?.written === false ? readIdentity(store) : undefined;
}

/** A bucket that can only be read is looked at without a mark; whatever would write there says why it cannot. */
async function written<T>(put: Promise<T>): Promise<T | undefined> {
  try {
    return await put;
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}

function foreign(root: string, owner: Identity, claimant: Identity): ConfigError {
  return new ConfigError(
    `the bucket ${root} belongs to shop "${owner.shop}" of ${owner.config}, not to shop "${claimant.shop}" of ` +
      `${claimant.config}: name another folder with --store; only if that shop was renamed, or its config moved, ` +
      'take the bucket over with --adopt',
  );
}

/** Files of a config that has the usual name stand beside it, those of others in a folder of their own. */
const USUAL = /^nightjar\.config\.[jt]s$/;

/** The folder that holds the bucket and the key of a config file, unless --store names another bucket. */
export function homeOf(file: string): string {
  const home = join(dirname(file), '.nightjar');
  return USUAL.test(basename(file)) ? home : join(home, basename(file));
}
