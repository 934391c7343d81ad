import { decodeArrow } from '../data/index.ts';
import { getBytes, readJson } from '../runtime/index.ts';
import { type DropsInput, forgetDrops, holds } from './drops.ts';
import { receiptKey } from './person.ts';

/** All that is known of a person, as objects that JSON can hold. */
export interface Known {
  readonly ids: readonly string[];
  /**
   * Records as they were dropped, by the key of their drop; how many more hold rows of others, too; why only a person can tell
   * whether a file is about them.
   */
  readonly drops: readonly {
    readonly key: string;
    readonly records: readonly string[];
    readonly shared?: number;
    readonly unclear?: string;
  }[];
  /** Rows that were made of them, by the key of their object: clean rows, days, states, scores of all nights that are kept. */
  readonly objects: readonly {
    readonly key: string;
    readonly rows: readonly Readonly<Record<string, unknown>>[];
  }[];
  /** Whether and when somebody of these ids was forgotten before. */
  readonly forgotten?: string;
}

/** Prefixes whose objects hold rows of people, in the order in which they are made. */
const OF_PEOPLE = ['clean/', 'days/', 'snapshots/', 'scores/'];
const COLUMNS = ['user', 'sender', 'anonymous'];

/** Gathers all that is known of a person (GDPR, article 15). Nothing is changed. */
export async function subject(input: Omit<DropsInput, 'write'>): Promise<Known> {
  const { store, person, progress } = input;
  const drops = await forgetDrops({ ...input, write: false, texts: true });
  const objects: { key: string; rows: Record<string, unknown>[] }[] = [];
  for (const prefix of OF_PEOPLE) {
    for await (const { key } of store.list(prefix)) {
      if (!(await holds(store, key, person.pseudonyms))) continue;
      progress(key);
      const rows = rowsOf((await getBytes(store, key)) ?? new Uint8Array(), key, person.pseudonyms);
      if (rows.length > 0) objects.push({ key, rows });
    }
  }
  const receipt = await readJson<{ at: string }>(store, receiptKey(person.hash));
  return {
    ids: person.ids,
    drops: drops.map(({ key, texts = [], shared, unclear }) => ({
      key,
      records: texts,
      ...(shared > 0 && { shared }),
      ...(unclear !== undefined && { unclear }),
    })),
    objects,
    ...(receipt && { forgotten: receipt.at }),
  };
}

function rowsOf(bytes: Uint8Array, key: string, pseudonyms: readonly string[]): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  for (const batch of decodeArrow(bytes, key).batches) {
    const columns = batch.schema.fields.map(({ name }) => [name, batch.getChild(name)!] as const);
    const named = columns.filter(([name]) => COLUMNS.includes(name));
    for (let row = 0; row < batch.numRows; row++) {
      if (!named.some(([, values]) => pseudonyms.includes(String(values.get(row))))) continue;
      rows.push(Object.fromEntries(columns.map(([name, values]) => [name, plain(values.get(row))])));
    }
  }
  return rows;
}

/** A value of Arrow as JSON has it: whole numbers of 64 bits as texts where they are too large for a number. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'object' && value !== null && Symbol.iterator in value)
    return Array.from(value as Iterable<unknown>, plain);
  return value;
}
