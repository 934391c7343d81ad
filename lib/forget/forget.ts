import { championsOf } from '../registry/index.ts';
import { putJson, readJson } from '../runtime/index.ts';
import { type FoundObject, forgetDerived } from './derived.ts';
import { type DropsInput, type FoundDrop, forgetDrops } from './drops.ts';
import type { Person } from './person.ts';

/** `forgotten/<hash>.json`: what was done, and whom it was about only as a hash. */
export interface Receipt {
  readonly person: string;
  /** When the command that ended it began, ISO 8601. */
  readonly at: string;
  /** How many ids the person had, linked ones included. */
  readonly ids: number;
  readonly drops: readonly Omit<FoundDrop, 'rows'>[];
  readonly objects: readonly FoundObject[];
  /** Versions that serve and were trained before: they are to be trained anew by `retrainBy`, 'YYYY-MM-DD'. */
  readonly models: readonly { readonly group: string; readonly version: string }[];
  readonly retrainBy: string;
}

export interface ForgetInput extends Omit<DropsInput, 'person'> {
  readonly person: Person;
  readonly now: Date;
  readonly retrainWithinDays: number;
}

const DAY_MS = 86_400_000;

/**
 * Forgets a person: drops are written without their records and cleaned, what was made of the former bytes is deleted, scores and
 * exports lose their rows. Interrupted at any moment, the same call goes on, as each part is held against the person and not against
 * what was done.
 * @returns what was found, and with `write` what was done, which stands in the receipt together with what earlier calls did
 */
export async function forget(input: ForgetInput): Promise<Receipt> {
  const { store, person, now, write, retrainWithinDays } = input;
  const drops = (await forgetDrops(input)).map(({ rows: _, ...drop }) => drop);
  const objects = await forgetDerived(input);
  const found: Receipt = {
    person: person.hash,
    at: now.toISOString(),
    ids: person.ids.length,
    drops,
    objects,
    models: await serving(input),
    retrainBy: new Date(now.getTime() + retrainWithinDays * DAY_MS).toISOString().slice(0, 10),
  };
  if (!write) return found;
  const key = `forgotten/${person.hash}.json`;
  const before = await readJson<Receipt>(store, key);
  const receipt: Receipt = before
    ? { ...found, drops: [...before.drops, ...drops], objects: [...before.objects, ...objects] }
    : found;
  await putJson(store, key, receipt);
  return found;
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
