import type { RecordBatch } from 'apache-arrow';
import { readBatches, shopClock } from '../../data/index.ts';
import { byteSource, type ObjectStore } from '../../runtime/index.ts';
import { columnData, numberColumn, textColumn } from '../columns.ts';

/** Files read at the same time. */
const PARALLEL = 16;

/** A clean file of the table `identities`. */
export interface IdentityDrop {
  /** `clean/identities/…` */
  readonly key: string;
  readonly dropId: string;
  readonly revision: string;
}

/** That an id turned out to be another one. */
interface Link {
  /** Number of an id. */
  readonly to: number;
  /** Shop day on which it became known: a question as of the next day, or later, knows it. */
  readonly day: number;
}

/** Which ids were linked to which others, and when. Ids are pseudonyms, by number in the order they were met. */
export class Links {
  readonly ids: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #of = new Map<number, Map<number, number>>();

  /** Adds a link; of equal ones the first day counts. A link of an id to itself says nothing. */
  add(from: string, to: string, day: number): void {
    if (from === to) return;
    const own = this.#id(from);
    const target = this.#id(to);
    const targets = this.#of.get(own) ?? new Map<number, number>();
    this.#of.set(own, targets);
    targets.set(target, Math.min(day, targets.get(target) ?? day));
  }

  /** Numbers of the ids that are linked to others. */
  linked(): IterableIterator<number> {
    return this.#of.keys();
  }

  number(id: string): number | undefined {
    return this.#numbers.get(id);
  }

  /** The links of an id. */
  of(id: number): Link[] {
    return Array.from(this.#of.get(id) ?? [], ([to, day]) => ({ to, day }));
  }

  /** Is the id linked to any other, at any time? */
  isLinked(id: number): boolean {
    return this.#of.has(id);
  }

  #id(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, (number = this.ids.push(text) - 1));
    return number;
  }
}

/**
 * Reads the links of some drops that became known before a shop day.
 * @throws DataError when a file holds no identities, ObjectNotFound when it is gone
 */
export async function readLinks(
  store: ObjectStore,
  drops: readonly IdentityDrop[],
  timeZone: string,
  before: number,
): Promise<Links> {
  const clock = shopClock(timeZone);
  const links = new Links();
  for (let i = 0; i < drops.length; i += PARALLEL) {
    const opened = drops.slice(i, i + PARALLEL).map(async ({ key }) => {
      return { key, ...(await readBatches(await byteSource(store, key))) };
    });
    for (const { key, batches } of await Promise.all(opened)) {
      for await (const batch of batches) addBatch(links, batch, key, clock, before);
    }
  }
  return links;
}

function addBatch(
  links: Links,
  batch: RecordBatch,
  key: string,
  clock: ReturnType<typeof shopClock>,
  before: number,
): void {
  const user = textColumn(columnData(batch, 'user', key), 'user', key);
  const anonymous = textColumn(columnData(batch, 'anonymous', key), 'anonymous', key);
  const time = numberColumn(columnData(batch, 'time', key), 'time', key);
  const text = ({ bytes, offsets }: typeof user, row: number) =>
    Buffer.from(bytes.buffer, bytes.byteOffset + offsets[row]!, offsets[row + 1]! - offsets[row]!).toString();
  for (let row = 0; row < batch.numRows; row++) {
    const { day } = clock(time[row]!);
    if (day < before) links.add(text(anonymous, row), text(user, row), day);
  }
}
