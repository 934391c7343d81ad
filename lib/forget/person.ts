import { createHash } from 'node:crypto';
import { decodeArrow, type Pseudonyms } from '../data/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';

/** Somebody who is to be forgotten, or asks what is known of them. */
export interface Person {
  /** As the shop writes them: what was given, and ids that are linked to that alone. */
  readonly ids: readonly string[];
  readonly pseudonyms: readonly string[];
  /** Names the person in a receipt: SHA-256 over the pseudonyms of what was given, which only the key's holder can make. */
  readonly hash: string;
  /** Ids that are linked to this person and to another one: they are left alone. */
  readonly shared: readonly string[];
}

/**
 * The person that some ids name, with the anonymous ids that links (the table `identities`) give to them and to nobody else, and those
 * linked to these, and those that an interrupted command has noted.
 */
export async function personOf(
  store: ObjectStore,
  pseudonyms: Pseudonyms,
  given: readonly string[],
): Promise<Person> {
  const own = new Set(pseudonyms.sealAll(given));
  const hash = createHash('sha256')
    .update([...own].sort().join('\n'))
    .digest('hex')
    .slice(0, 32);
  const begun = await readJson<{ pending?: readonly string[] }>(store, receiptKey(hash));
  for (const pseudonym of begun?.pending ?? []) own.add(pseudonym);
  const usersOf = await links(store);
  const shared = new Set<string>();
  for (let grown = true; grown; ) {
    grown = false;
    for (const [anonymous, users] of usersOf) {
      if (own.has(anonymous) || ![...users].some((user) => own.has(user))) continue;
      if ([...users].every((user) => own.has(user))) {
        own.add(anonymous);
        shared.delete(anonymous);
        grown = true;
      } else shared.add(anonymous);
    }
  }
  return {
    ids: pseudonyms.openAll([...own]),
    pseudonyms: [...own],
    hash,
    shared: pseudonyms.openAll([...shared]),
  };
}

/** What was done of a person, who is named by a hash. */
export const receiptKey = (hash: string): string => `forgotten/${hash}.json`;

/** To whom each anonymous id was ever linked. */
async function links(store: ObjectStore): Promise<Map<string, Set<string>>> {
  const usersOf = new Map<string, Set<string>>();
  for await (const { key } of store.list('clean/identities/')) {
    for (const batch of decodeArrow(await (await store.get(key)).bytes(), key).batches) {
      const [user, anonymous] = [batch.getChild('user'), batch.getChild('anonymous')];
      for (let row = 0; row < batch.numRows; row++) {
        const id = String(anonymous?.get(row));
        usersOf.set(id, (usersOf.get(id) ?? new Set()).add(String(user?.get(row))));
      }
    }
  }
  return usersOf;
}
