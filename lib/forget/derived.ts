import { keysOf, listDigests } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { withoutRows } from '../data/index.ts';
import { withoutUsers } from '../export/index.ts';
import { getBytes, type ObjectStore } from '../runtime/index.ts';
import { holds } from './drops.ts';
import type { Person } from './person.ts';

/** What becomes of an object that holds something of a person. `left`: it cannot be written without it, and is told. */
export type Action = 'rows taken out' | 'deleted' | 'left';

export interface FoundObject {
  readonly key: string;
  readonly action: Action;
  /** Rows that are taken out, where rows are. */
  readonly rows?: number;
}

export interface DerivedInput {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly person: Person;
  readonly write: boolean;
  readonly progress: (text: string) => void;
}

/** What is made of drops, by drop and revision. */
const OF_DROPS = ['clean/', 'quarantine/', 'quality/', 'days/', 'keys/'];
/** What a later run makes again where it is missing; whole folders, as a part of one serves nobody. */
const FOLDERS = [
  /^packs\/\w+\/\w+\/[^/]+\//,
  /^versions\/(?:identities\/)?\w+\//,
  /^snapshots\/\w+\/[^/]+\//,
  /^fits\/[^/]+\//,
];
const AGAIN = ['packs/', 'versions/', 'snapshots/', 'fits/'];
const REVISION = /\/([0-9a-f]{16})\/([0-9a-f]{32})\.(?:arrow|json)$/;

/**
 * Goes through all that was ever made of a person's rows: deletes what is made again from the drops, takes rows out of scores
 * and exports, and deletes reports that name the person. Drops come before: what was made of their
 * former bytes is deleted here.
 */
export async function forgetDerived(input: DerivedInput): Promise<FoundObject[]> {
  const found: FoundObject[] = [];
  for (const step of [ofDrops, madeAgain, ofNights, ofModels]) {
    for await (const one of step(input)) {
      found.push(one);
      input.progress(`${found.length} objects`);
    }
  }
  return found;
}

async function remove({ store, write }: DerivedInput, key: string): Promise<FoundObject> {
  if (write) await store.delete(key);
  return { key, action: 'deleted' };
}

async function* ofDrops(input: DerivedInput): AsyncGenerator<FoundObject> {
  const { store, config, person } = input;
  const current = new Set<string>();
  const digests = await listDigests(store);
  for await (const info of store.list('drop/')) {
    const keys = keysOf(config, info, digests);
    if (keys) current.add(`${keys.dropId}/${keys.revision}`);
  }
  for (const prefix of OF_DROPS) {
    for await (const { key } of store.list(prefix)) {
      const [, drop, revision] = REVISION.exec(key) ?? [];
      const isCurrent = current.has(`${drop}/${revision}`);
      // Rejected rows hold ids as they were dropped; those of former bytes serve nobody.
      const words = prefix === 'quarantine/' && !isCurrent ? person.ids : [];
      if (!(await holds(store, key, [...person.pseudonyms, ...words]))) continue;
      // While only looking, the drops are as they were.
      if (isCurrent && input.write) yield { key, action: 'left' };
      else yield await remove(input, key);
    }
  }
}

async function* madeAgain(input: DerivedInput): AsyncGenerator<FoundObject> {
  const { store, person } = input;
  const folders = new Set<string>();
  for (const prefix of AGAIN) {
    for await (const { key } of store.list(prefix)) {
      const folder = FOLDERS.map((pattern) => pattern.exec(key)?.[0]).find((one) => one !== undefined);
      if (folder === undefined || folders.has(folder)) continue;
      if (await holds(store, key, person.pseudonyms)) folders.add(folder);
    }
  }
  for (const folder of folders) {
    // Without it no later night folds on from these states.
    const run = /^snapshots\/\w+\/([^/]+)\//.exec(folder)?.[1];
    if (run !== undefined && (await store.head(`runs/${run}/snapshot.json`))) {
      yield await remove(input, `runs/${run}/snapshot.json`);
    }
    const keys: string[] = [];
    for await (const { key } of store.list(folder)) keys.push(key);
    for (const key of keys) yield await remove(input, key);
  }
}

const COLUMNS = ['user', 'sender'];

/** An object of scores that holds rows of the person, as it is without them; no bytes where no row is found. */
interface FoundScores {
  readonly key: string;
  readonly bytes?: Uint8Array;
  readonly rows?: number;
  /** Hashes of the person's addresses. */
  readonly addresses: readonly string[];
}

async function* scoresOf({ store, person }: DerivedInput): AsyncGenerator<FoundScores> {
  for await (const { key } of store.list('scores/')) {
    if (!(await holds(store, key, person.pseudonyms))) continue;
    const addresses: string[] = [];
    const kept = withoutRows((await getBytes(store, key)) ?? new Uint8Array(), key, (text) => {
      const theirs = COLUMNS.some((column) => person.pseudonyms.includes(text(column) ?? ''));
      const address = theirs ? text('email') : undefined;
      if (address !== undefined) addresses.push(address);
      return theirs;
    });
    yield { key, ...kept, addresses };
  }
}

/**
 * Scores, exports and what is told of runs. Hashed addresses in the scores lead to rows of exports, so exports come first: whoever is
 * killed between the two finds them again.
 */
async function* ofNights(input: DerivedInput): AsyncGenerator<FoundObject> {
  const { store, person, write } = input;
  const addresses = new Set<string>();
  for await (const scores of scoresOf(input)) for (const one of scores.addresses) addresses.add(one);
  yield* ofExports(input, addresses);
  for await (const { key, bytes, rows } of scoresOf(input)) {
    if (bytes === undefined || rows === undefined) {
      yield { key, action: 'left' };
      continue;
    }
    if (write) await store.put(key, bytes);
    yield { key, action: 'rows taken out', rows };
  }
  for await (const { key } of store.list('runs/')) {
    if (!(await holds(store, key, person.pseudonyms))) continue;
    if (/\/(?:report|evaluation)[^/]*$|\.arrow$|\.safetensors$/.test(key)) yield await remove(input, key);
    else yield { key, action: 'left' };
  }
}

async function* ofExports(
  { store, person, write }: DerivedInput,
  addresses: ReadonlySet<string>,
): AsyncGenerator<FoundObject> {
  const gone = { ids: new Set(person.ids), addresses };
  const manifests: string[] = [];
  for await (const { key } of store.list('exports/as_of=')) {
    if (/^exports\/as_of=[^/]+\/[^/]+\/manifest\.json$/.test(key)) manifests.push(key);
  }
  for (const manifest of manifests) {
    for (const { key, rows } of await withoutUsers(store, manifest, gone, write)) {
      yield { key, action: 'rows taken out', rows };
    }
  }
}

async function* ofModels({ store, person }: DerivedInput): AsyncGenerator<FoundObject> {
  for (const prefix of ['models/', 'config/', 'index/']) {
    for await (const { key } of store.list(prefix)) {
      if (await holds(store, key, person.pseudonyms)) yield { key, action: 'left' };
    }
  }
}
