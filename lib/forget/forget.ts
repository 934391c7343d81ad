import { championsOf } from '../registry/index.ts';
import { putJson, readJson } from '../runtime/index.ts';
import { type FoundObject, forgetDerived } from './derived.ts';
import { type DropsInput, type FoundDrop, forgetDrops } from './drops.ts';
import { receiptKey } from './person.ts';

/** What is found of a person; in `forgotten/<hash>.json` what was done, and whom it was about only as a hash. */
export interface Receipt {
  readonly person: string;
  /** When the command began, ISO 8601. */
  readonly at: string;
  /** Whether all of it is done: a killed command leaves a receipt that is not. */
  readonly done: boolean;
  /**
   * While it is not done: the pseudonyms of all ids. An interrupted command may have taken out the very links that led to some of
   * them.
   */
  readonly pending?: readonly string[];
  /** How many ids the person had, linked ones included. */
  readonly ids: number;
  readonly drops: readonly FoundDrop[];
  readonly objects: readonly FoundObject[];
  /** Versions that serve and were trained before: they are to be trained anew by `retrainBy`, 'YYYY-MM-DD'. */
  readonly models: readonly { readonly group: string; readonly version: string }[];
  readonly retrainBy: string;
}

export interface ForgetInput extends Omit<DropsInput, 'write' | 'texts'> {
  readonly now: Date;
  readonly retrainWithinDays: number;
}

const DAY_MS = 86_400_000;

/** What is found of a person, and what would become of it. Nothing is changed. */
export async function findTraces(input: ForgetInput): Promise<Receipt> {
  const { person, now, retrainWithinDays } = input;
  return {
    person: person.hash,
    at: now.toISOString(),
    done: false,
    ids: person.ids.length,
    drops: await forgetDrops({ ...input, write: false }),
    objects: await forgetDerived({ ...input, write: false }),
    models: await serving(input),
    retrainBy: new Date(now.getTime() + retrainWithinDays * DAY_MS).toISOString().slice(0, 10),
  };
}

/**
 * Forgets a person: drops are written without their records and cleaned, what was made of the former bytes is deleted, scores and
 * exports lose their rows. Interrupted at any moment, the same call goes on, as each part is held against the person and not against
 * what was done. The receipt is put before anything is changed, so that it names also what an interrupted call did.
 * @param found what `findTraces` has just found
 * @returns the receipt as it stands
 */
export async function forget(input: ForgetInput, found: Receipt): Promise<Receipt> {
  const { store, person } = input;
  const key = receiptKey(person.hash);
  const begun = merged(await readJson<Receipt>(store, key), found);
  await putJson(store, key, { ...begun, pending: person.pseudonyms });
  const drops = await forgetDrops({ ...input, write: true });
  const objects = await forgetDerived({ ...input, write: true });
  const { pending: _, ...all } = merged(begun, { ...found, drops, objects });
  const receipt = { ...all, done: true };
  await putJson(store, key, receipt);
  return receipt;
}

/** What either tells of, each drop and object once; where both do, as the first one found it. */
function merged(first: Receipt | undefined, then: Receipt): Receipt {
  const once = <T extends { readonly key: string }>(ones: readonly T[], more: readonly T[]) => [
    ...new Map([...more, ...ones].map((one) => [one.key, one])).values(),
  ];
  if (!first) return then;
  return { ...then, drops: once(first.drops, then.drops), objects: once(first.objects, then.objects) };
}

/** The champions of all groups: any of them may have been trained on the person. */
async function serving({ store }: ForgetInput): Promise<Receipt['models']> {
  const models: { group: string; version: string }[] = [];
  for await (const { key } of store.list('models/')) {
    const group = /^models\/([^/]+)\/champion\.json$/.exec(key)?.[1];
    if (group === undefined) continue;
    const [champion] = (await championsOf(store, group)).champions;
    if (champion) models.push({ group, version: champion.version });
  }
  return models;
}
