import { keysOf } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { DAY_MS, dropId } from '../data/index.ts';
import type { ObjectInfo, ObjectStore } from '../runtime/index.ts';
import { listStore } from './inputs.ts';
import { lastNight } from './last-settings.ts';
import type { RunManifest } from './manifest.ts';
import { readEarlier, runIdOf } from './stored-manifest.ts';

/**
 * Where objects stand that are made from a drop: `<prefix>…/<dropId>/<revision>`. The record comes first: while it stands, the
 * rows are taken to be there, and a revision that comes back is cleaned again only without it.
 */
const OF_DROPS = ['quality/', 'clean/', 'quarantine/', 'days/', 'keys/'];
/** What the cloud's own rules delete by age; on one machine nobody else does. */
const OF_RUNS = ['fits/', 'packs/', 'scores/', 'snapshots/', 'versions/'];

const REVISION = /([^/]+\/[^/]+)\.(?:arrow|json)$/;

/**
 * Objects that nothing reads any more: rows of revisions that are neither what a drop leads to by the settings of now nor
 * named by a run of the last days or the last finished night, and what runs of before left. All can be made again from the
 * drops. With the record of a revision goes the memory of when it was dropped first. Nothing younger than the bound is among
 * them, since a function may be at it.
 * @param keepDays age from which on objects count
 */
export async function* superseded(
  store: ObjectStore,
  config: Config,
  { now, keepDays }: { now: Date; keepDays: number },
): AsyncGenerator<ObjectInfo> {
  const old = ({ lastModified }: ObjectInfo) => now.getTime() - lastModified.getTime() > keepDays * DAY_MS;
  const { revisions, unread } = await readRevisions(store, config, old, now);
  for (const prefix of OF_DROPS) {
    for await (const info of store.list(prefix)) {
      const revision = REVISION.exec(info.key)?.[1];
      if (revision === undefined || !old(info) || revisions.has(revision)) continue;
      if (!unread.has(revision.slice(0, revision.indexOf('/')))) yield info;
    }
  }
  for (const prefix of OF_RUNS) {
    for await (const info of store.list(prefix)) if (old(info)) yield info;
  }
}

/** `<dropId>/<revision>` of all that is read, and the drops of which nobody knows by now what they lead to. */
async function readRevisions(
  store: ObjectStore,
  config: Config,
  old: (info: ObjectInfo) => boolean,
  now: Date,
): Promise<{ revisions: Set<string>; unread: Set<string> }> {
  const revisions = new Set<string>();
  const unread = new Set<string>();
  const { dropped, digests } = await listStore(store);
  for (const info of dropped) {
    const keys = keysOf(config, info, digests);
    if (keys) revisions.add(`${keys.dropId}/${keys.revision}`);
    else unread.add(dropId(info.key));
  }
  const add = (manifest: RunManifest | undefined) => {
    if (!manifest) return;
    const { withdrawn = [], ...tables } = manifest.inputs;
    for (const { dropId: id, revision } of [...Object.values(tables).flat(), ...withdrawn]) {
      revisions.add(`${id}/${revision}`);
    }
  };
  for await (const info of store.list('runs/')) {
    const runId = /^runs\/([^/]+)\/manifest\.json$/.exec(info.key)?.[1];
    if (runId !== undefined && !old(info)) add(await readEarlier(store, runId));
  }
  // Nights go by its settings, and its rows, until those of now have the history.
  const last = await lastNight(store, now.toISOString().slice(0, 10));
  if (last) add(await readEarlier(store, runIdOf(last)));
  return { revisions, unread };
}
